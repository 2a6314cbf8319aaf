// The two fields of the argument. Fp: integers modulo the prime p = 0x1FFFFFF9 * 2^32 + 1, the
// largest of this form below 2^61, which has roots of unity of every order up to 2^32 and so fast
// number-theoretic transforms (reed_solomon.h). Fp2 = Fp[x] / (x^2 - 3), with nearly 2^122
// elements: all challenges are drawn from it, since 2^61 would leave a cheat with a chance of
// 2^-37 where a lookup has 2^24 values.
//
// Inside, a number x of Fp is kept as x * 2^64 mod p (Montgomery), which nobody outside sees.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/int128.h"

namespace cairn::argument {

inline constexpr std::uint64_t kPrime = 0x1FFFFFF900000001ULL;
/// p - 1 is an odd multiple of 2^32.
inline constexpr unsigned kTwoAdicity = 32;

class Fp2;

class Fp {
  public:
    constexpr Fp() = default;
    /// Of any integer.
    constexpr explicit Fp(std::uint64_t value)
        : inner_(reduce(static_cast<Uint128>(value % kPrime) * kSquare)) {}
    static constexpr Fp of(std::int64_t value) {
        return value < 0 ? Fp() - Fp(~static_cast<std::uint64_t>(value) + 1)
                         : Fp(static_cast<std::uint64_t>(value));
    }
    /// Of an integer whose magnitude is below 2^120.
    static constexpr Fp of_wide(Int128 value) {
        const bool negative = value < 0;
        const auto magnitude = static_cast<Uint128>(negative ? -value : value);
        const Fp residue(static_cast<std::uint64_t>(magnitude % kPrime));
        return negative ? Fp() - residue : residue;
    }

    /// In [0, p).
    constexpr std::uint64_t value() const { return reduce(inner_); }

    constexpr Fp operator+(Fp other) const { return raw(down(inner_ + other.inner_)); }
    constexpr Fp operator-(Fp other) const {
        return raw(inner_ >= other.inner_ ? inner_ - other.inner_ : inner_ + kPrime - other.inner_);
    }
    constexpr Fp operator*(Fp other) const { return raw(reduce(wide(other))); }
    constexpr Fp& operator+=(Fp other) { return *this = *this + other; }
    constexpr Fp& operator-=(Fp other) { return *this = *this - other; }
    constexpr Fp& operator*=(Fp other) { return *this = *this * other; }
    constexpr bool operator==(const Fp&) const = default;

  private:
    friend class Fp2;
    friend Fp dot(std::span<const Fp> a, std::span<const Fp> b);
    friend Fp2 dot(std::span<const Fp> a, std::span<const Fp2> b);

    static constexpr Fp raw(std::uint64_t inner) {
        Fp result;
        result.inner_ = inner;
        return result;
    }
    static constexpr std::uint64_t down(std::uint64_t value) {
        return value >= kPrime ? value - kPrime : value;
    }
    /// The product before it is reduced, below p^2.
    constexpr Uint128 wide(Fp other) const { return static_cast<Uint128>(inner_) * other.inner_; }
    /// value / 2^64 mod p, for value <= 8 p^2: since 8 p < 2^64, what is left is below 2 p.
    static constexpr std::uint64_t reduce(Uint128 value) {
        // (k 2^32 + 1) (1 - k 2^32) = 1 mod 2^64.
        constexpr std::uint64_t kMinusInverse = kPrime - 2;
        const std::uint64_t low = static_cast<std::uint64_t>(value) * kMinusInverse;
        return down(static_cast<std::uint64_t>((value + static_cast<Uint128>(low) * kPrime) >> 64));
    }
    /// 2^128 mod p.
    static constexpr std::uint64_t kSquare = [] {
        Uint128 power = 1;
        for (int i = 0; i < 128; ++i) power = power * 2 % kPrime;
        return static_cast<std::uint64_t>(power);
    }();

    std::uint64_t inner_ = 0;
};

/// a + b x with x^2 = 3.
class Fp2 {
  public:
    constexpr Fp2() = default;
    constexpr Fp2(Fp first) : a(first) {}
    constexpr Fp2(Fp first, Fp second) : a(first), b(second) {}
    constexpr explicit Fp2(std::uint64_t value) : a(value) {}

    constexpr Fp2 operator+(const Fp2& other) const { return {a + other.a, b + other.b}; }
    constexpr Fp2 operator-(const Fp2& other) const { return {a - other.a, b - other.b}; }
    constexpr Fp2 operator*(const Fp2& other) const {
        // At most 4 p^2 and 2 p^2 before they are reduced.
        const Uint128 high = b.wide(other.b);
        return {Fp::raw(Fp::reduce(a.wide(other.a) + high + high + high)),
                Fp::raw(Fp::reduce(a.wide(other.b) + b.wide(other.a)))};
    }
    constexpr Fp2 operator*(Fp other) const { return {a * other, b * other}; }
    /// x y + z w, reduced once.
    static constexpr Fp2 two_products(const Fp2& x, const Fp2& y, const Fp2& z, const Fp2& w) {
        // At most 8 p^2 and 4 p^2 before they are reduced.
        const Uint128 high = x.b.wide(y.b) + z.b.wide(w.b);
        return {Fp::raw(Fp::reduce(x.a.wide(y.a) + z.a.wide(w.a) + high + high + high)),
                Fp::raw(Fp::reduce(x.a.wide(y.b) + x.b.wide(y.a) + z.a.wide(w.b) + z.b.wide(w.a)))};
    }
    constexpr Fp2& operator+=(const Fp2& other) { return *this = *this + other; }
    constexpr Fp2& operator-=(const Fp2& other) { return *this = *this - other; }
    constexpr Fp2& operator*=(const Fp2& other) { return *this = *this * other; }
    constexpr bool operator==(const Fp2&) const = default;

    Fp a, b;
};

Fp power(Fp base, std::uint64_t exponent);
/// 1 / x; 0 for 0.
Fp inverse(Fp x);
Fp2 inverse(const Fp2& x);
/// All at once, for a few products each; zeros stay zeros.
void invert_all(std::span<Fp2> elements);
/// An element whose powers are 2^log different ones; log <= kTwoAdicity.
Fp root_of_unity(unsigned log);

/// The sum of a[i] * b[i]; as long as each other.
Fp dot(std::span<const Fp> a, std::span<const Fp> b);
Fp2 dot(std::span<const Fp> a, std::span<const Fp2> b);
Fp2 dot(std::span<const Fp2> a, std::span<const Fp2> b);

}  // namespace cairn::argument
