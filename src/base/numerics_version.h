// The version of the arithmetic (docs/spec/numerics.md) that this program computes. Blocks, network
// definitions and sessions of layer serving name it in their bytes, as an integer of 16 bits; two
// machines get the same bits only under the same version.
#pragma once

#include <cstdint>

namespace cairn {

inline constexpr std::uint16_t kNumericsVersion = 1;

}  // namespace cairn
