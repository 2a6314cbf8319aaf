// Proves that a Server who moves a row's shift changes its outputs by no more than argument.h says.
#include <gtest/gtest.h>

#include <cmath>

#include "argument/argument.h"
#include "argument/test_head.h"

namespace cairn::argument {
namespace {

constexpr std::uint32_t kRows = 256;
constexpr std::size_t kLast = kRows - 1;

/// Two keys with the score 0 in front of others with the score -far, for all queries. The second
/// number of each value is 1, so that its output is the sum of the weights.
Statement tailed(std::int32_t far, std::int16_t first_values) {
    std::vector<std::int16_t> queries, keys, values;
    for (std::uint32_t i = 0; i < kRows; ++i) {
        const std::int32_t below = i < 2 ? 0 : far;
        queries.insert(queries.end(), {512, 1});
        keys.insert(keys.end(), {static_cast<std::int16_t>(-(below / 512)),
                                 static_cast<std::int16_t>(-(below % 512))});
        values.insert(values.end(), {i < 2 ? first_values : std::int16_t{32767}, 1});
    }
    return make_statement({kRows, 2, 0}, queries, keys, values);
}

std::int64_t output(const Statement& s) { return s.sums[2 * kLast]; }

/// With the last row's shift moved, and its outputs as they follow.
Statement moved(Statement s, std::int32_t far, std::int64_t by) {
    s.shifts[kLast] += by;
    s.sums[2 * kLast] = s.sums[2 * kLast + 1] = 0;
    for (std::size_t j = 0; j < kRows; ++j) {
        const std::int64_t below = s.shifts[kLast] + (j < 2 ? 0 : far);
        const std::int64_t weight = tensor::digit_weight(static_cast<std::uint64_t>(below));
        for (std::size_t c = 0; c < 2; ++c) s.sums[2 * kLast + c] += weight * s.values[2 * j + c];
    }
    return s;
}

/// What argument.h says of one row.
const double kSaid = std::ldexp(1, -8) + std::ldexp(kRows, -16);

/// How far the last row's output is from the truth, beside the largest value there is.
double part_of_largest(const Statement& claimed, const Statement& truth) {
    return std::fabs(static_cast<double>(output(claimed) - output(truth))) /
           std::ldexp(32767, tensor::kDigitWeightBits);
}

bool accepted(const Statement& claimed) {
    const Result<Bytes> proof = prove(claimed);
    return proof.ok() && verify(claimed, *proof).is_valid();
}

// Between a shift and the next one a far key begins to count, which no scale does: an output that
// is 0 becomes one, within the bound.
TEST(ToleranceAttack, WhatIsAcceptedIsWithinTheBound) {
    std::int32_t far = (19 << 18) - 1024;
    while (output(tailed(far, 0)) != 0) ++far;
    const Statement truth = tailed(far, 0);
    const Statement claimed = moved(truth, far, -1);
    ASSERT_GT(output(claimed), std::int64_t{1} << 33);
    EXPECT_TRUE(accepted(claimed));
    EXPECT_LT(part_of_largest(claimed, truth), kSaid);
}

TEST(ToleranceAttack, NothingBeyondTheBoundIsAccepted) {
    constexpr std::int32_t kFar = 19 << 18;
    const Statement truth = tailed(kFar, 32767);
    for (const std::int64_t direction : {-1, 1}) {
        std::int64_t by = 0;
        Statement claimed = truth;
        while (part_of_largest(claimed, truth) <= kSaid)
            claimed = moved(truth, kFar, by += direction * 64);
        EXPECT_FALSE(accepted(claimed)) << "moved by " << by;
    }
}

}  // namespace
}  // namespace cairn::argument
