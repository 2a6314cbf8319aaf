// CONSENSUS: changing a result here splits the network.
//
// Taylor series on reduced arguments, in Horner's form with fma. Their truncation errors are below
// 1e-17, so that what remains is a few roundings.
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "tensor/elementary.h"

namespace cairn::tensor {

namespace {

constexpr double kShift = 0x1.8p+52;
// pi/2 in three parts of 33, 33 and 53 bits: n times the first two is exact for |n| < 2^20.
constexpr double kHalfPi1 = 0x1.921fb544p+0;
constexpr double kHalfPi2 = 0x1.0b4611a6p-34;
constexpr double kHalfPi3 = 0x1.3198a2e037073p-69;
constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;
constexpr double kLn2High = 0x1.62e42fefa39efp-1;
constexpr double kLn2Low = 0x1.abc9e3b39803fp-56;
constexpr double kLog2E = 0x1.71547652b82fep+0;
constexpr double kLog2ELow = 0x1.777d0ffda0d24p-56;

/// The quadrant of x and what is left of it, |r| <= pi/4.
struct Reduced {
    std::int64_t quadrant;
    double r;
};

Reduced reduce_angle(double x) {
    const double n = round_even_f64(x * kTwoOverPi);
    double r = std::fma(-n, kHalfPi1, x);
    r = std::fma(-n, kHalfPi2, r);
    r = std::fma(-n, kHalfPi3, r);
    return {static_cast<std::int64_t>(n), r};
}

/// 1 - x2/(f(f+1)) (1 - x2/((f+2)(f+3)) (1 - ...)), f the first divisor: the common form of the
/// series of sine and cosine, innermost term first.
double alternating_series(double x2, int first_divisor, int last_divisor) {
    double sum = 1.0;
    for (int k = last_divisor; k >= first_divisor; k -= 2)
        sum = std::fma(-x2 / static_cast<double>(k * (k + 1)), sum, 1.0);
    return sum;
}

double sin_reduced(double r) {
    // r - r^3/6 (1 - ...): the leading r keeps its last bit
    const double x2 = r * r;
    const double inner = alternating_series(x2, 4, 20);
    return std::fma(-(r * x2) / 6.0, inner, r);
}

double cos_reduced(double r) {
    const double x2 = r * r;
    const double inner = alternating_series(x2, 3, 19);
    return std::fma(-x2 / 2.0, inner, 1.0);
}

double exp_reduced(double r) {
    double sum = 1.0;
    for (int k = 15; k >= 2; --k) sum = std::fma(r / static_cast<double>(k), sum, 1.0);
    return std::fma(r, sum, 1.0);
}

/// p * 2^n for |n| <= 1024, in two steps so that neither factor overflows.
double scale_by_power(double p, double n) {
    const auto exponent = static_cast<std::int64_t>(n);
    const std::int64_t half = exponent / 2;
    const auto power = [](std::int64_t e) {
        return std::bit_cast<double>(static_cast<std::uint64_t>(e + 1023) << 52);
    };
    return p * power(half) * power(exponent - half);
}

/// log(x) = exponent * ln2 + mantissa.
struct Log {
    double exponent;
    double mantissa;  ///< log of the mantissa in [sqrt(1/2), sqrt(2))
};

Log split_log(double x) {
    constexpr double kSqrtHalf = 0x1.6a09e667f3bcdp-1;
    const auto offset = std::bit_cast<std::uint64_t>(x) - std::bit_cast<std::uint64_t>(kSqrtHalf);
    const auto e = static_cast<std::int64_t>(offset) >> 52;
    const double m = std::bit_cast<double>((offset & 0x000FFFFFFFFFFFFFU) +
                                           std::bit_cast<std::uint64_t>(kSqrtHalf));
    // log(m) = 2 atanh(s), s = (m-1)/(m+1)
    const double f = m - 1.0;
    const double s = f / (m + 1.0);
    const double s2 = s * s;
    double series = 1.0 / 25.0;
    for (int k = 23; k >= 3; k -= 2) series = std::fma(series, s2, 1.0 / static_cast<double>(k));
    // 2s = f - s f, so that the leading f stays unrounded
    return {static_cast<double>(e), std::fma(-s, f - 2.0 * (s2 * series), f)};
}

}  // namespace

double round_even_f64(double x) { return (x + kShift) - kShift; }

double sin_f64(double x) {
    const Reduced reduced = reduce_angle(x);
    const double value =
        (reduced.quadrant & 1) != 0 ? cos_reduced(reduced.r) : sin_reduced(reduced.r);
    return (reduced.quadrant & 2) != 0 ? -value : value;
}

double cos_f64(double x) {
    const Reduced reduced = reduce_angle(x);
    const double value =
        (reduced.quadrant & 1) != 0 ? sin_reduced(reduced.r) : cos_reduced(reduced.r);
    return ((reduced.quadrant + 1) & 2) != 0 ? -value : value;
}

double exp2_f64(double x) {
    if (x != x) return x;
    if (x >= 1024.0) return std::numeric_limits<double>::infinity();
    if (x < -1022.0) return 0.0;
    const double n = round_even_f64(x);
    const double f = x - n;
    return scale_by_power(exp_reduced(std::fma(f, kLn2High, f * kLn2Low)), n);
}

double exp_f64(double x) {
    if (x != x) return x;
    if (x > 710.0) return std::numeric_limits<double>::infinity();
    if (x < -708.0) return 0.0;
    const double n = round_even_f64(x * kLog2E);
    const double r = std::fma(-n, kLn2Low, std::fma(-n, kLn2High, x));
    return scale_by_power(exp_reduced(r), n);
}

double log_f64(double x) {
    const Log log = split_log(x);
    return std::fma(log.exponent, kLn2High, std::fma(log.exponent, kLn2Low, log.mantissa));
}

double log2_f64(double x) {
    const Log log = split_log(x);
    return std::fma(log.mantissa, kLog2E, std::fma(log.mantissa, kLog2ELow, log.exponent));
}

double pow_f64(double x, double y) { return exp2_f64(y * log2_f64(x)); }

}  // namespace cairn::tensor
