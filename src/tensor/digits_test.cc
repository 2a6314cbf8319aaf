// Proves that the integers of attention by digits are what they stand for: tables, logarithms, the
// softmax of a row; and that every kernel set gives the definition's bits.
#include "tensor/digits.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "tensor/digits_case.h"
#include "tensor/every_set.h"

namespace cairn::tensor {
namespace {

std::uint64_t below_of(std::uint32_t halvings, std::uint32_t fraction) {
    return std::uint64_t{halvings} << kDigitPlace[2] | std::uint64_t{fraction} << kDigitPlace[1];
}

TEST(Digits, PlacesFollowFromWidths) {
    unsigned place = 0;
    for (std::size_t k = 0; k < kDigitCount; ++k) {
        EXPECT_EQ(kDigitPlace[k], place);
        place += kDigitBits[k];
    }
    EXPECT_EQ(place, 41U);
}

// Whatever is careful finds the same table: no entry is close to a tie.
TEST(Digits, FractionsAreRoundedPowersOfTwo) {
    for (std::uint32_t x = 0; x < 4096; ++x) {
        const long double exact = 4096.0L * std::exp2(-static_cast<long double>(x) / 4096.0L);
        EXPECT_EQ(digit_entry(1, x), static_cast<std::uint32_t>(std::floor(exact + 0.5L))) << x;
        EXPECT_GT(std::fabs(exact - std::floor(exact) - 0.5L), 1e-6L) << x;
    }
    EXPECT_EQ(digit_entry(1, 0), 4096U);
    EXPECT_EQ(digit_entry(1, 4095), 2048U);
}

TEST(Digits, WeightsHalve) {
    EXPECT_EQ(digit_weight(0), 1U << 30);
    EXPECT_EQ(digit_weight(63), 1U << 30);  // below the precision
    EXPECT_EQ(digit_weight(below_of(1, 0)), 1U << 29);
    EXPECT_EQ(digit_weight(below_of(18, 0)), 1U << 12);
    EXPECT_EQ(digit_weight(below_of(19, 0)), 1U << 12);  // 1/2 is rounded up
    EXPECT_EQ(digit_weight(below_of(20, 0)), 0U);
    EXPECT_EQ(digit_weight(std::uint64_t{1} << 23), 0U);
    EXPECT_EQ(digit_weight((std::uint64_t{1} << 41) - 1), 0U);
    EXPECT_EQ(digit_weight(below_of(3, 2048)), digit_entry(1, 2048) << 15);
}

TEST(Digits, ShiftIsTheLogarithm) {
    EXPECT_EQ(digit_shift(1U << 30), 0);
    EXPECT_EQ(digit_shift(std::uint64_t{1} << 31), 1 << 18);
    EXPECT_EQ(digit_shift(std::uint64_t{1} << 47), 17 << 18);
    SeededRandom random(4);
    for (int i = 0; i < 1000; ++i) {
        const std::uint64_t sum = (std::uint64_t{1} << 30) + random.below(std::uint64_t{1} << 45);
        const double exact = 262144.0 * (std::log2(static_cast<double>(sum)) - 30);
        EXPECT_EQ(digit_shift(sum) % 64, 0);
        EXPECT_LE(std::fabs(static_cast<double>(digit_shift(sum)) - exact), 32.001);
    }
}

TEST(Digits, FixedPointNumbersAreNearestAndBounded) {
    EXPECT_EQ(digit_fixed(0.5F, 1.0F), 0);
    EXPECT_EQ(digit_fixed(1.5F, 1.0F), 2);
    EXPECT_EQ(digit_fixed(-2.5F, 1.0F), -2);
    EXPECT_EQ(digit_fixed(1.0F, kDigitKeyFactor), 256);
    EXPECT_EQ(digit_fixed(1e30F, 1.0F), 32767);
    EXPECT_EQ(digit_fixed(-INFINITY, 1.0F), -32767);
    EXPECT_EQ(digit_fixed(NAN, 1.0F), 0);
    EXPECT_EQ(digit_query_factor(64), 0x1.71547652b82fep+7F);
}

// A row's weights are the softmax of its scores, to the tables' precision, and sum to about 1.
TEST(Digits, ARowIsTheSoftmax) {
    constexpr std::size_t kWidth = 64, kKeys = 300;
    SeededRandom random(7);
    std::vector<std::int16_t> query(kWidth), keys(kKeys * kWidth), values(keys.size());
    const auto draw = [&](std::uint32_t most) {
        return static_cast<std::int16_t>(static_cast<int>(random.below(2 * most + 1)) -
                                         static_cast<int>(most));
    };
    for (auto& x : query) x = draw(600);
    for (auto& x : keys) x = draw(500);
    for (auto& x : values) x = draw(3000);
    const DigitAttentionRow row =
        digit_attention_row(query, {keys.data(), kWidth}, {values.data(), kWidth}, 10, kKeys);
    ASSERT_EQ(row.weights.size(), kKeys - 10);
    double total = 0, most = -1e300;
    std::vector<double> scores;
    for (std::size_t j = 10; j < kKeys; ++j) {
        double z = 0;
        for (std::size_t c = 0; c < kWidth; ++c)
            z += static_cast<double>(query[c]) * keys[j * kWidth + c];
        scores.push_back(z / 262144.0);
        most = std::max(most, scores.back());
    }
    for (const double z : scores) total += std::exp2(z - most);
    std::uint64_t sum = 0;
    std::vector<double> exact(kWidth);
    for (std::size_t j = 0; j < scores.size(); ++j) {
        const double p = std::exp2(scores[j] - most) / total;
        EXPECT_NEAR(row.weights[j] / 1073741824.0, p, p * 6e-4 + 2e-6);
        sum += row.weights[j];
        for (std::size_t c = 0; c < kWidth; ++c) exact[c] += p * values[(j + 10) * kWidth + c];
    }
    EXPECT_NEAR(static_cast<double>(sum) / 1073741824.0, 1.0, 5e-4);
    for (std::size_t c = 0; c < kWidth; ++c)
        EXPECT_NEAR(static_cast<double>(row.sums[c]) / 1073741824.0, exact[c], 2.0);
}

// Prefill and decode, shared heads, windows, odd widths, rows in which one key counts and rows that
// are wider than fixed-point numbers reach.
TEST(Digits, EverySetIsTheDefinition) {
    const AttentionShape shapes[] = {
        {1, 1, 0, 1, 1, 1},      {2, 130, 0, 4, 2, 24},          {1, 70, 60, 2, 1, 64},
        {3, 1, 299, 6, 2, 32},   {1, 1, 1000, 4, 4, 80},         {1, 40, 0, 2, 2, 300},
        {1, 9, 200, 3, 1, 1024}, {1, 90, 0, 2, 1, 33, true, 17}, {2, 1, 500, 2, 1, 16, true, 100},
    };
    for (const AttentionShape& shape : shapes)
        for (const double spread : {0.1, 1.0, 6.0, 500.0}) {
            const DigitsCase digits(shape, 40, spread);
            expect_every_set_equal(
                [&](const Compute& compute) { return Results{digits.run(compute)}; },
                "head_dim " + std::to_string(shape.head_dim) + ", spread " +
                    std::to_string(spread));
        }
}

// Values at both ends of their range, under weights whose parts are as large as they can be: 32
// bits hold what the kernels add up.
TEST(Digits, EverySetHoldsTheLargestNumbers) {
    // Each of 342 equal keys has a weight whose middle ten bits are nearly all set.
    for (const std::size_t keys : {2U, 3U, 33U, 64U, 342U, 500U})
        for (const std::int16_t value : {std::int16_t{32767}, std::int16_t{-32767}})
            for (const float query : {0.0F, 30.0F, 1e9F}) {
                DigitsCase digits({1, 1, keys - 1, 2, 1, 80}, 60, 0.001, 1.0);
                std::fill(digits.v.begin(), digits.v.end(), value);
                std::fill(digits.q.begin(), digits.q.end(), query);
                if (query == 1e9F) std::fill(digits.k.begin(), digits.k.end(), value);
                expect_every_set_equal(
                    [&](const Compute& compute) { return Results{digits.run(compute)}; },
                    std::to_string(keys) + " keys, value " + std::to_string(value));
            }
    const DigitsCase wide({1, 40, 60, 2, 2, 64}, 61, 0.05, 1000.0);
    expect_every_set_equal([&](const Compute& compute) { return Results{wide.run(compute)}; },
                           "values beyond the range");
}

// Near the attention of N4, at the precision of its fixed-point numbers.
TEST(Digits, IsNearlyAttention) {
    const AttentionShape shape{1, 100, 0, 4, 2, 64};
    const DigitsCase digits(shape, 50);
    std::vector<float> k, v, out(digits.q.size());
    for (const std::int16_t x : digits.k) k.push_back(static_cast<float>(x) / kDigitKeyFactor);
    for (const std::int16_t x : digits.v) v.push_back(static_cast<float>(x) / kDigitValueFactor);
    ThreadPool pool(1);
    const Compute compute{reference_kernels(), &pool};
    attention_forward(compute, shape, {digits.q.data(), 100, 256}, {k.data(), 100, 128},
                      {v.data(), 100, 128}, {out.data(), 100, 256}, {});
    const std::vector<float> found = digits.run(compute);
    for (std::size_t i = 0; i < out.size(); ++i) EXPECT_NEAR(found[i], out[i], 5e-3) << i;
}

}  // namespace
}  // namespace cairn::tensor
