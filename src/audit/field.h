// Arithmetic modulo the prime p = 2^61 - 1, exact and plain: the field in which Freivalds' check
// takes its chances (freivalds.h). p is a Mersenne prime, so reducing is a shift and an addition.
#pragma once

#include <cstdint>

#include "base/int128.h"
#include "base/random.h"

namespace cairn::audit {

inline constexpr std::uint64_t kFieldPrime = (std::uint64_t{1} << 61) - 1;

/// The residue in [0, p) of any integer whose magnitude is below 2^122.
constexpr std::uint64_t field_of(Int128 value) {
    const bool negative = value < 0;
    const auto magnitude = static_cast<Uint128>(negative ? -value : value);
    std::uint64_t residue = static_cast<std::uint64_t>(magnitude & kFieldPrime) +
                            static_cast<std::uint64_t>(magnitude >> 61);
    residue = (residue & kFieldPrime) + (residue >> 61);
    if (residue == kFieldPrime) residue = 0;
    return negative && residue != 0 ? kFieldPrime - residue : residue;
}

/// Uniform in [0, p).
inline std::uint64_t draw_field(Random& random) { return random.below(kFieldPrime); }

}  // namespace cairn::audit
