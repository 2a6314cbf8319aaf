// Which codec turns deltas into payloads: a part of the network definition, and all that codec/
// needs to know of a network.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace cairn::chain {

/// A network's encoding contains these numbers.
enum class CodecKind : std::uint8_t { kSrht = 0, kDense = 1 };

/// The smallest sketch keeps 4096 >> 8 = 16 values of a tile.
inline constexpr std::uint32_t kMaxLog2Ratio = 8;

struct CodecSpec {
    CodecKind kind = CodecKind::kSrht;
    std::uint32_t log2_ratio = 3;  ///< srht keeps 1/2^log2_ratio of each tile's values; dense: 0
    std::uint32_t bits = 1;        ///< per kept value: srht 1, 4, 8 or 16; dense 8

    bool operator==(const CodecSpec&) const = default;
};

/// The cosine of two payloads of one delta under different seeds, over 2^16, where no tile has
/// padding: a sketch of one value in r keeps 1/r of a direction (the coarseness of 4 bits and more
/// takes little of that), signs alone 2/pi of it.
std::uint32_t payload_cosine(const CodecSpec& spec);

/// kInvalid, naming the field, for a codec that no network may have.
Status validate(const CodecSpec& spec);

}  // namespace cairn::chain
