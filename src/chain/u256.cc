// CONSENSUS: changing a result here splits the network.
#include "chain/u256.h"

#include <bit>

#include "base/check.h"
#include "base/int128.h"

namespace cairn::chain {

U256 U256::max() { return U256{}.inverted(); }

U256 U256::inverted() const {
    U256 result;
    for (std::size_t i = 0; i < 4; ++i) result.limbs_[i] = ~limbs_[i];
    return result;
}

U256 U256::from_big_endian(const Hash256& bytes) {
    U256 result;
    for (std::size_t i = 0; i < 32; ++i) {
        const std::size_t limb = 3 - i / 8;
        result.limbs_[limb] = (result.limbs_[limb] << 8) | bytes.bytes[i];
    }
    return result;
}

Hash256 U256::big_endian() const {
    Hash256 bytes;
    for (std::size_t i = 0; i < 32; ++i)
        bytes.bytes[i] = static_cast<std::uint8_t>(limbs_[3 - i / 8] >> (8 * (7 - i % 8)));
    return bytes;
}

int U256::bit_length() const {
    for (int i = 3; i >= 0; --i) {
        const std::uint64_t limb = limbs_[static_cast<std::size_t>(i)];
        if (limb != 0) return 64 * i + static_cast<int>(std::bit_width(limb));
    }
    return 0;
}

U256 U256::shifted(std::uint64_t value, int shift) {
    if (value == 0 || shift <= -64) return U256{};
    if (shift < 0) return U256(value >> -shift);
    if (static_cast<int>(std::bit_width(value)) + shift > 256) return max();
    U256 result;
    const auto limb = static_cast<std::size_t>(shift / 64);
    const auto bits = static_cast<unsigned>(shift % 64);
    result.limbs_[limb] = value << bits;
    if (bits != 0 && limb + 1 < 4) result.limbs_[limb + 1] = value >> (64 - bits);
    return result;
}

U256 U256::shifted_right(int bits) const {
    CHECK(bits >= 0);
    U256 result;
    if (bits >= 256) return result;
    const auto limbs = static_cast<std::size_t>(bits / 64);
    const int rest = bits % 64;
    for (std::size_t i = 0; i + limbs < 4; ++i) {
        result.limbs_[i] = limbs_[i + limbs] >> rest;
        if (rest != 0 && i + limbs + 1 < 4)
            result.limbs_[i] |= limbs_[i + limbs + 1] << (64 - rest);
    }
    return result;
}

U256 U256::saturating_add(const U256& other) const {
    U256 result;
    Uint128 carry = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        carry += static_cast<Uint128>(limbs_[i]) + other.limbs_[i];
        result.limbs_[i] = static_cast<std::uint64_t>(carry);
        carry >>= 64;
    }
    return carry == 0 ? result : max();
}

U256 U256::saturating_multiply(std::uint32_t factor) const {
    U256 result;
    Uint128 carry = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        carry += static_cast<Uint128>(limbs_[i]) * factor;
        result.limbs_[i] = static_cast<std::uint64_t>(carry);
        carry >>= 64;
    }
    return carry == 0 ? result : max();
}

U256 U256::minus(const U256& other) const {
    CHECK(other <= *this);
    U256 result;
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        const Uint128 taken = static_cast<Uint128>(other.limbs_[i]) + borrow;
        borrow = limbs_[i] < taken ? 1 : 0;
        result.limbs_[i] = static_cast<std::uint64_t>(limbs_[i] - taken);
    }
    return result;
}

U256 U256::divided_by(const U256& divisor) const {
    CHECK(!divisor.is_zero());
    U256 quotient;
    U256 rest;
    for (int bit = bit_length() - 1; bit >= 0; --bit) {
        const auto limb = static_cast<std::size_t>(bit / 64);
        const std::uint64_t digit = (limbs_[limb] >> (bit % 64)) & 1;
        // rest < divisor, so doubling may pass 2^256 only if divisor is above 2^255.
        const bool overflows = (rest.limbs_[3] >> 63) != 0;
        for (std::size_t i = 3; i > 0; --i)
            rest.limbs_[i] = (rest.limbs_[i] << 1) | (rest.limbs_[i - 1] >> 63);
        rest.limbs_[0] = (rest.limbs_[0] << 1) | digit;
        if (overflows) {
            // 2^256 + rest - divisor, which is below 2^256 again.
            rest = rest.saturating_add(divisor.inverted().saturating_add(U256(1)));
            quotient.limbs_[limb] |= std::uint64_t{1} << (bit % 64);
        } else if (rest >= divisor) {
            rest = rest.minus(divisor);
            quotient.limbs_[limb] |= std::uint64_t{1} << (bit % 64);
        }
    }
    return quotient;
}

std::strong_ordering U256::operator<=>(const U256& other) const {
    for (std::size_t i = 4; i-- > 0;) {
        if (limbs_[i] != other.limbs_[i]) return limbs_[i] <=> other.limbs_[i];
    }
    return std::strong_ordering::equal;
}

}  // namespace cairn::chain
