// 256-bit unsigned numbers, with just the arithmetic that targets and sums of work need.
#pragma once

#include <array>
#include <compare>
#include <cstdint>

#include "base/bytes.h"

namespace cairn::chain {

class U256 {
  public:
    constexpr U256() = default;
    constexpr explicit U256(std::uint64_t value) : limbs_{value, 0, 0, 0} {}
    static U256 max();
    static U256 from_big_endian(const Hash256& bytes);
    Hash256 big_endian() const;

    /// value * 2^shift, shift of either sign: bits below 1 are dropped; max() if it does not fit.
    static U256 shifted(std::uint64_t value, int shift);

    bool is_zero() const { return *this == U256{}; }
    /// Number of significant bits; 0 for zero.
    int bit_length() const;
    std::uint64_t low64() const { return limbs_[0]; }
    U256 shifted_right(int bits) const;

    /// max() instead of overflowing.
    U256 saturating_add(const U256& other) const;
    U256 saturating_multiply(std::uint32_t factor) const;
    /// floor(this / divisor); CHECKs divisor > 0.
    U256 divided_by(const U256& divisor) const;
    /// CHECKs other <= this.
    U256 minus(const U256& other) const;
    U256 inverted() const;

    std::strong_ordering operator<=>(const U256& other) const;
    bool operator==(const U256& other) const = default;

  private:
    std::array<std::uint64_t, 4> limbs_{};  // least significant first
};

}  // namespace cairn::chain
