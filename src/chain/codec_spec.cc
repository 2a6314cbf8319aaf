// CONSENSUS: changing a result here splits the network.
#include "chain/codec_spec.h"

namespace cairn::chain {

Status validate(const CodecSpec& spec) {
    if (spec.kind != CodecKind::kSrht && spec.kind != CodecKind::kDense)
        return invalid("codec.kind is unknown");
    if (spec.log2_ratio > kMaxLog2Ratio)
        return invalid("codec.log2_ratio must be at most " + std::to_string(kMaxLog2Ratio));
    if (spec.bits != 1 && spec.bits != 4 && spec.bits != 8 && spec.bits != 16)
        return invalid("codec.bits must be 1, 4, 8 or 16");
    if (spec.kind == CodecKind::kDense && (spec.bits != 8 || spec.log2_ratio != 0))
        return invalid("codec: dense has 8 bits and log2_ratio 0");
    return ok_status();
}

std::uint32_t payload_cosine(const CodecSpec& spec) {
    constexpr std::uint32_t kSigns = 41721;  // 2^16 * 2 / pi
    return (spec.bits == 1 ? kSigns : 1U << 16) >> spec.log2_ratio;
}

}  // namespace cairn::chain
