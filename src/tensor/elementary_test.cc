// Proves the elementary functions' edges, and the accuracy of those in double against a wider
// oracle; whole_domain_test.cc has the accuracy of the others.
#include "tensor/elementary.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "tensor/test_values.h"

namespace cairn::tensor {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(Elementary, Edges) {
    const auto bits = [](float x) { return std::bit_cast<std::uint32_t>(x); };
    EXPECT_EQ(bits(exp_f32(0.0F)), bits(1.0F));
    EXPECT_EQ(bits(exp_f32(std::nextafter(-87.0F, -100.0F))), 0U);
    EXPECT_GT(exp_f32(-87.0F), std::numeric_limits<float>::min());
    EXPECT_EQ(bits(exp_f32(-kInfinity)), 0U);
    EXPECT_EQ(exp_f32(kInfinity), kInfinity);
    EXPECT_LT(exp_f32(0x1.62e42ep+6F), kInfinity);
    EXPECT_EQ(exp_f32(0x1.62e43p+6F), kInfinity);
    EXPECT_EQ(bits(exp_f32(-kNan)), 0x7FC00000U);
    EXPECT_EQ(bits(log_f32(1.0F)), 0U);
    EXPECT_EQ(log_f32(0.0F), -kInfinity);
    EXPECT_EQ(log_f32(kInfinity), kInfinity);
    EXPECT_EQ(bits(log_f32(-1.0F)), 0x7FC00000U);
    EXPECT_EQ(bits(tanh_f32(-0.0F)), 0x80000000U);
    EXPECT_EQ(tanh_f32(-kInfinity), -1.0F);
    EXPECT_EQ(sigmoid_f32(0.0F), 0.5F);
    EXPECT_EQ(sigmoid_f32(-kInfinity), 0.0F);
    EXPECT_EQ(sigmoid_f32(kInfinity), 1.0F);
    EXPECT_EQ(bits(canonical(-kNan)), 0x7FC00000U);
    EXPECT_EQ(bits(erf_f32(-0.0F)), 0x80000000U);
    EXPECT_EQ(erf_f32(-kInfinity), -1.0F);
    EXPECT_EQ(bits(erf_f32(-kNan)), 0x7FC00000U);
    for (const auto& gelu : {gelu_f32, gelu_tanh_f32}) {
        EXPECT_EQ(gelu(kInfinity), kInfinity);
        EXPECT_EQ(bits(gelu(-kInfinity)), 0x80000000U);
        EXPECT_EQ(gelu(-20.0F), 0.0F);
        EXPECT_EQ(gelu(20.0F), 20.0F);
        EXPECT_EQ(gelu(0.0F), 0.0F);
        EXPECT_EQ(bits(gelu(-kNan)), 0x7FC00000U);
    }
    for (const auto& slope : {gelu_slope_f32, gelu_tanh_slope_f32}) {
        EXPECT_EQ(slope(kInfinity), 1.0F);
        EXPECT_EQ(slope(-kInfinity), 0.0F);
        EXPECT_EQ(slope(0.0F), 0.5F);
        EXPECT_EQ(bits(slope(-kNan)), 0x7FC00000U);
    }
}

/// Relative error in units of 2^-53 of `found` against `exact`.
double relative(double found, long double exact) {
    return static_cast<double>(std::fabs((static_cast<long double>(found) - exact) / exact) *
                               0x1p53L);
}

TEST(Elementary, DoublesAreWithinAFewUlp) {
    double trigonometric = 0.0, exponential = 0.0, logarithm = 0.0, power = 0.0;
    for (std::uint64_t i = 0; i < 200000; ++i) {
        const auto words = philox(5, 6, i);
        const double u = static_cast<double>(words[0]) * 0x1p-32;
        const double w = static_cast<double>(words[1]) * 0x1p-32;
        // angles up to 131072 positions; the error counts against 1, as a rotation feels it
        const double angle = u * (i % 2 == 0 ? 131072.0 : 7.0);
        const long double s = std::sin(static_cast<long double>(angle));
        const long double c = std::cos(static_cast<long double>(angle));
        trigonometric =
            std::max({trigonometric, static_cast<double>(std::fabs(sin_f64(angle) - s) * 0x1p53L),
                      static_cast<double>(std::fabs(cos_f64(angle) - c) * 0x1p53L)});
        const double x = (u - 0.5) * 600.0;
        exponential =
            std::max({exponential, relative(exp_f64(x), std::exp(static_cast<long double>(x))),
                      relative(exp2_f64(x), std::exp2(static_cast<long double>(x)))});
        const double y = i % 2 == 0 ? u * 1e6 + 1e-12 : 0.5 + u;
        logarithm =
            std::max(logarithm, relative(log_f64(y), std::log(static_cast<long double>(y))));
        power = std::max(power, relative(pow_f64(10000.0, -w),
                                         std::pow(10000.0L, static_cast<long double>(-w))));
    }
    EXPECT_LT(trigonometric, 2.0);
    EXPECT_LT(exponential, 4.0);
    EXPECT_LT(logarithm, 4.0);
    EXPECT_LT(power, 32.0);
    EXPECT_EQ(exp2_f64(10.0), 1024.0);
    EXPECT_EQ(log2_f64(0.125), -3.0);
    EXPECT_EQ(exp2_f64(1023.75), std::exp2(1023.75));
    EXPECT_EQ(exp2_f64(-2000.0), 0.0);
    EXPECT_EQ(round_even_f64(2.5), 2.0);
    EXPECT_EQ(round_even_f64(-3.5), -4.0);
}

}  // namespace
}  // namespace cairn::tensor
