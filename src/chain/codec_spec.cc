// CONSENSUS: changing a result here splits the network.
#include "chain/codec_spec.h"

#include <iterator>

#include "chain/codec_kinds.h"

namespace cairn::chain {

Status validate(const CodecSpec& spec) {
    if (static_cast<std::size_t>(spec.kind) >= std::size(kCodecNames))
        return invalid("codec.kind is unknown");
    if (spec.log2_ratio > kMaxLog2Ratio)
        return invalid("codec.log2_ratio must be at most " + std::to_string(kMaxLog2Ratio));
    if (spec.bits != 1 && spec.bits != 4 && spec.bits != 8 && spec.bits != 16)
        return invalid("codec.bits must be 1, 4, 8 or 16");
    if (spec.kind == CodecKind::kDense && (spec.bits != 8 || spec.log2_ratio != 0))
        return invalid("codec: dense has 8 bits and log2_ratio 0");
    if (spec.bits == 1 && !is_rotation(spec.kind))
        return invalid("codec.bits must be 4, 8 or 16: only srht and srht2 may send signs alone");
    return ok_status();
}

std::uint32_t payload_cosine(const CodecSpec& spec) {
    constexpr std::uint32_t kSigns = 41721;  // 2^16 * 2 / pi
    const std::uint32_t values = 4096U >> spec.log2_ratio;
    if (spec.kind == kGaussian)  // entries of kurtosis 47/16: 1 + (4096 + 15/16) / n
        return values * 65536U / (values + 4097U);
    if (spec.kind != CodecKind::kDense && !is_rotation(spec.kind))  // 1 + 4095 / n
        return values * 65536U / (values + 4095U);
    return (spec.bits == 1 ? kSigns : 1U << 16) >> spec.log2_ratio;
}

}  // namespace cairn::chain
