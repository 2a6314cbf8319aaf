// Proves that rounding hidden states gives N48's bits (golden), that rounding twice is rounding
// once, that packed rows come back to the bit, and that a row has one spelling.
#include "tensor/state_type.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace cairn::tensor {
namespace {

constexpr std::size_t kDim = 40;

// Rows of very different sizes, with a large value here and there as trained models have them.
std::vector<float> rows_of(std::uint32_t seed, std::size_t rows) {
    std::vector<float> x(rows * kDim);
    std::uint64_t state = seed;
    const auto next = [&] { return state = state * 6364136223846793005U + 1442695040888963407U; };
    for (std::size_t i = 0; i < x.size(); ++i) {
        const auto steps = static_cast<std::int32_t>(next() >> 40) - (1 << 23);
        const int exponent = static_cast<int>(i / kDim % 64) * 4 - 170;
        x[i] = std::ldexp(static_cast<float>(steps), exponent);
        if (next() >> 60 == 0) x[i] *= 64.0F;
    }
    return x;
}

std::uint64_t fnv(std::span<const std::uint8_t> bytes) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3U;
    return hash;
}

std::vector<std::uint8_t> packed(StateType type, const std::vector<float>& x) {
    std::vector<std::uint8_t> to(x.size() / kDim * state_row_bytes(type, kDim));
    pack_states(type, kDim, x, to);
    return to;
}

constexpr StateType kTypes[] = {StateType::kF32, StateType::kF16, StateType::kI8};

TEST(StateType, GoldenBits) {
    const std::uint64_t expected[] = {0xf2e4e028af88bc0d, 0x2bfa1bd17a4df05b, 0xa47f5c9cffc72f3d};
    for (std::size_t i = 0; i < 3; ++i) {
        std::vector<float> x = rows_of(3, 128);
        round_states(kTypes[i], kDim, x);
        EXPECT_EQ(fnv(packed(kTypes[i], x)), expected[i])
            << state_type_name(kTypes[i]) << std::hex << " 0x" << fnv(packed(kTypes[i], x));
    }
}

TEST(StateType, KnownValues) {
    std::vector<float> x = {127.0F, -127.0F, 0.5F, 1.5F, 2.5F, -0.4F, -0.0F, 126.6F};
    round_states(StateType::kI8, x.size(), x);
    EXPECT_EQ(x, (std::vector<float>{127, -127, 0, 2, 2, 0, 0, 127}));
    x = {70000.0F, 1.0F + 0x1p-11F, -1e-9F};
    round_states(StateType::kF16, x.size(), x);
    EXPECT_EQ(x, (std::vector<float>{65504.0F, 1.0F, -0.0F}));
    std::vector<float> zeros(kDim);
    round_states(StateType::kI8, kDim, zeros);
    EXPECT_EQ(zeros, std::vector<float>(kDim));
}

TEST(StateType, RoundingTwiceIsRoundingOnceAndPackingKeepsTheBits) {
    for (const StateType type : kTypes) {
        for (std::uint32_t seed = 0; seed < 300; ++seed) {
            std::vector<float> once = rows_of(seed, 128);
            round_states(type, kDim, once);
            std::vector<float> twice = once;
            round_states(type, kDim, twice);
            std::vector<float> back(once.size());
            ASSERT_TRUE(unpack_states(type, kDim, packed(type, once), back));
            for (std::size_t i = 0; i < once.size(); ++i) {
                const auto bits = std::bit_cast<std::uint32_t>(once[i]);
                ASSERT_EQ(std::bit_cast<std::uint32_t>(twice[i]), bits) << once[i];
                ASSERT_EQ(std::bit_cast<std::uint32_t>(back[i]), bits) << once[i];
            }
        }
    }
}

TEST(StateType, WhatIsNotFiniteStaysSo) {
    for (const StateType type : kTypes) {
        for (const float bad :
             {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
            std::vector<float> x(2 * kDim, 1.0F);
            x[3] = bad;
            round_states(type, kDim, x);
            EXPECT_FALSE(std::isfinite(x[3]));
            EXPECT_TRUE(std::isfinite(x[kDim])) << "the other row is as it was";
        }
    }
    std::vector<float> huge(kDim, std::numeric_limits<float>::max());
    round_states(StateType::kI8, kDim, huge);
    EXPECT_FALSE(std::isfinite(huge[0]));
}

TEST(StateType, ARowHasOneSpelling) {
    std::vector<float> x = rows_of(1, 1);
    for (float& value : x) value = std::ldexp(value, 150);
    round_states(StateType::kI8, kDim, x);
    const std::vector<std::uint8_t> good = packed(StateType::kI8, x);
    std::vector<float> back(kDim);
    ASSERT_TRUE(unpack_states(StateType::kI8, kDim, good, back));
    std::vector<std::uint8_t> other = good;
    other[0] ^= 1;  // a scale that no rounding gives
    EXPECT_FALSE(unpack_states(StateType::kI8, kDim, other, back));
    other = good;
    other[4] = 0x80;  // -128
    EXPECT_FALSE(unpack_states(StateType::kI8, kDim, other, back));
    other = good;
    std::fill(other.begin(), other.end(), std::uint8_t{0});
    EXPECT_TRUE(unpack_states(StateType::kI8, kDim, other, back));
    other[4] = 100;  // of a row that is all 0
    EXPECT_FALSE(unpack_states(StateType::kI8, kDim, other, back));
    other = good;
    for (std::size_t i = 4; i < other.size(); ++i)  // a smaller row at the same scale
        if (other[i] == 127 || other[i] == 129) other[i] = 0;
    EXPECT_FALSE(unpack_states(StateType::kI8, kDim, other, back));
}

}  // namespace
}  // namespace cairn::tensor
