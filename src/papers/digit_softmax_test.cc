// The softmax by digits is near the real one, its sums divide over verifiers, and what cannot be
// represented is refused.
#include "papers/digit_softmax.h"

#include <cmath>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

namespace cairn::papers {
namespace {

DigitSoftmax zkllm() {
    return {0x1p32, 64, {1U << 8, 1U << 20, 1U << 20}, 1, 0, {1U << 18, 1U << 22}};
}

TEST(DigitSoftmax, EqualsTheRealOneWithinItsTables) {
    std::mt19937_64 random(1);
    std::normal_distribution<double> normal(0, 3);
    for (int trial = 0; trial < 50; ++trial) {
        std::vector<std::int64_t> scores;
        for (int i = 0; i < 40; ++i) scores.push_back(std::llround(normal(random) * 0x1p32 * 8));
        const auto row = digit_softmax(zkllm(), scores, 3);
        ASSERT_TRUE(row.ok());
        EXPECT_LT(row->worst_error, 1e-5);
        EXPECT_NEAR(static_cast<double>(row->row_sum) / 0x1p40, 1, 40e-5);
        EXPECT_EQ(std::accumulate(row->values.begin(), row->values.end(), std::int64_t{0}),
                  row->row_sum);
        ASSERT_EQ(row->partial_sums.size(), 3U);
        EXPECT_EQ(row->partial_sums[0] + row->partial_sums[1] + row->partial_sums[2], row->row_sum);
    }
}

TEST(DigitSoftmax, AHandMadeRow) {
    // Scores 0 and 0, scale 1, one digit in each of two tables: the shift is round(ln 2) = 1.
    const DigitSoftmax form{1, 1, {4, 4}, 0, 1, {1000}};
    const auto row = digit_softmax(form, {0, 0}, 2);
    ASSERT_TRUE(row.ok());
    EXPECT_EQ(row->shift, 1);
    EXPECT_EQ(row->values, (std::vector<std::int64_t>{368, 368}));  // round(1000 / e)
    EXPECT_EQ(row->partial_sums, (std::vector<std::int64_t>{368, 368}));
    EXPECT_NEAR(row->worst_error, 0.5 - 0.368, 1e-12);
    // A top digit that is not 0 makes the value 0: the score lies 5 below the other.
    const auto far = digit_softmax(form, {0, -5}, 1);
    ASSERT_TRUE(far.ok());
    EXPECT_EQ(far->values[1], 0);
}

TEST(DigitSoftmax, RefusesWhatDoesNotFit) {
    EXPECT_FALSE(digit_softmax({1, 1, {4, 4}, 0, 0, {1000}}, {0}, 1).ok()) << "theta too few";
    EXPECT_FALSE(digit_softmax({1, 1, {4}, 0, 0, {1000}}, {0, -100}, 1).ok()) << "too far below";
    EXPECT_FALSE(digit_softmax({0, 1, {4}, 0, 0, {1000}}, {0}, 1).ok()) << "scale 0";
    EXPECT_FALSE(digit_softmax({1, 1, {1}, 0, 0, {1000}}, {0}, 1).ok()) << "radix 1";
    EXPECT_FALSE(digit_softmax({1, 1, {4}, 0, 0, {1000}}, {}, 1).ok()) << "no scores";
    EXPECT_FALSE(digit_softmax(
                     {1, 1, {4, 4}, 0, 0, {std::uint64_t{1} << 40, std::uint64_t{1} << 30}}, {0}, 1)
                     .ok())
        << "sums too large";
}

}  // namespace
}  // namespace cairn::papers
