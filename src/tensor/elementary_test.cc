// Proves the elementary functions' accuracy against wider oracles, their edges, and, in the
// slow tier (CAIRN_SLOW=1), all 2^32 inputs: accuracy, hashes, and equality of every kernel set.
#include "tensor/elementary.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "tensor/kernels.h"
#include "tensor/test_values.h"

namespace cairn::tensor {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

bool slow_tier() { return std::getenv("CAIRN_SLOW") != nullptr; }

/// How far `found` is from `exact`, in units of the last place of exact as a float.
double ulps(float found, double exact) {
    const auto nearest = static_cast<float>(exact);
    if (std::isinf(nearest) || std::isinf(found)) return found == nearest ? 0.0 : 1e9;
    constexpr std::uint64_t kExponent = 0x7FF0000000000000;
    const double binade = std::bit_cast<double>(std::bit_cast<std::uint64_t>(exact) & kExponent);
    return std::fabs(static_cast<double>(found) - exact) / (std::max(binade, 0x1p-126) * 0x1p-23);
}

/// The largest error over float patterns, every `step`-th of them, for which `inside` holds. libm's
/// doubles are exact enough to judge floats.
template <typename Function, typename Oracle, typename Inside>
double largest_error(const Function& function, const Oracle& oracle, const Inside& inside) {
    const std::uint64_t step = slow_tier() ? 1 : 1021;
    double largest = 0.0;
    for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32); bits += step) {
        const auto x = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
        if (!inside(x)) continue;
        largest = std::max(largest, ulps(function(x), oracle(static_cast<double>(x))));
    }
    return largest;
}

bool is_number(float x) { return x == x; }

TEST(Elementary, ExpIsWithinTwoUlp) {
    const double error = largest_error(
        exp_f32, [](double x) { return std::exp(x); },
        [](float x) { return is_number(x) && x >= -87.0F; });
    RecordProperty("ulp", std::to_string(error));
    EXPECT_LT(error, 1.1);
}

TEST(Elementary, LogIsWithinTwoUlp) {
    const double error = largest_error(
        log_f32, [](double x) { return std::log(x); },
        [](float x) { return is_number(x) && x > 0.0F; });
    RecordProperty("ulp", std::to_string(error));
    EXPECT_LT(error, 1.5);
}

TEST(Elementary, TanhIsWithinTwoUlp) {
    const double error = largest_error(
        tanh_f32, [](double x) { return std::tanh(x); }, is_number);
    RecordProperty("ulp", std::to_string(error));
    EXPECT_LT(error, 2.0);
}

// Its formula is SwiGLU's, e/(1+e) with three roundings: 2.4 where they all add up.
TEST(Elementary, SigmoidIsWithinTwoAndAHalfUlp) {
    const double error = largest_error(
        sigmoid_f32, [](double x) { return 1.0 / (1.0 + std::exp(-x)); },
        [](float x) { return is_number(x) && x >= -87.0F; });
    RecordProperty("ulp", std::to_string(error));
    EXPECT_LT(error, 2.5);
}

TEST(Elementary, ErfIsWithinTwoUlp) {
    const double error = largest_error(
        erf_f32, [](double x) { return std::erf(x); }, is_number);
    RecordProperty("ulp", std::to_string(error));
    EXPECT_LT(error, 1.5);
}

TEST(Elementary, GeluIsWithinTwoUlp) {
    const double exact = largest_error(
        gelu_f32, [](double x) { return 0.5 * x * std::erfc(-x * std::sqrt(0.5)); },
        [](float x) { return x >= -13.1F && x < kInfinity; });
    const double tanh_form = largest_error(
        gelu_tanh_f32,
        [](double x) {
            constexpr double kTwoRootTwoOverPi = 0x1.9884533d43651p+0;
            return x / (1.0 + std::exp(-kTwoRootTwoOverPi * (x + 0.044715 * x * x * x)));
        },
        [](float x) { return x >= -9.9F && x < kInfinity; });
    RecordProperty("ulp", std::to_string(exact));
    RecordProperty("ulp of the tanh form", std::to_string(tanh_form));
    EXPECT_LT(exact, 1.7);
    EXPECT_LT(tanh_form, 2.0);
}

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

/// FNV-1a over the results for every `step`-th bit pattern, 2^16 at a time.
template <typename Map>
std::uint64_t hash_over_patterns(std::uint64_t step, const Map& map) {
    constexpr std::size_t kBatch = 1 << 16;
    std::uint64_t hash = 0xcbf29ce484222325;
    std::vector<float> x(kBatch);
    for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32);) {
        std::size_t count = 0;
        for (; count < kBatch && bits < (std::uint64_t{1} << 32); bits += step)
            x[count++] = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
        x.resize(count);
        map(x);
        hash = fnv1a(x, hash);
        x.resize(kBatch);
    }
    return hash;
}

template <float (*kFunction)(float)>
void map_each(std::vector<float>& x) {
    for (float& value : x) value = kFunction(value);
}

TEST(Elementary, HashesOverPatterns) {
    EXPECT_EQ(hash_over_patterns(4099, map_each<exp_f32>), 17174770173519016859U);
    EXPECT_EQ(hash_over_patterns(4099, map_each<log_f32>), 4788264938146010180U);
    EXPECT_EQ(hash_over_patterns(4099, map_each<tanh_f32>), 5437997914046262481U);
    EXPECT_EQ(hash_over_patterns(4099, map_each<sigmoid_f32>), 4736789284216595243U);
}

TEST(Elementary, HashesOverAllInputs) {
    if (!slow_tier()) GTEST_SKIP() << "all 2^32 inputs take minutes: set CAIRN_SLOW=1";
    EXPECT_EQ(hash_over_patterns(1, map_each<exp_f32>), 9476948245342178754U);
    EXPECT_EQ(hash_over_patterns(1, map_each<log_f32>), 10501643844604886584U);
    EXPECT_EQ(hash_over_patterns(1, map_each<tanh_f32>), 8240019543661716565U);
    EXPECT_EQ(hash_over_patterns(1, map_each<sigmoid_f32>), 7226211551151032135U);
}

TEST(Elementary, EveryKernelSetHasTheSameExp) {
    const std::uint64_t step = slow_tier() ? 1 : 257;
    const auto with = [&](KernelSet set) {
        const Kernels* kernels = *kernels_for(set);
        return hash_over_patterns(
            step, [kernels](std::vector<float>& x) { kernels->exp(x.size(), x.data(), x.data()); });
    };
    const std::uint64_t expected = with(KernelSet::kReference);
    for (const KernelSet set : available_kernel_sets())
        EXPECT_EQ(with(set), expected) << kernel_set_name(set);
}

}  // namespace
}  // namespace cairn::tensor
