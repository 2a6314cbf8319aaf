// Proves the roundings at the border to consensus: losses and gradients to integers, cache types.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "tensor/kv_type.h"
#include "tensor/loss.h"

namespace cairn::tensor {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr std::int64_t kLargestLoss = std::int64_t{1} << 31;

TEST(Integers, Losses) {
    EXPECT_EQ(loss_to_fixed(1.0F), 1 << 20);
    EXPECT_EQ(loss_to_fixed(0.0F), 0);
    EXPECT_EQ(loss_to_fixed(0x1p-21F), 0);    // half to even
    EXPECT_EQ(loss_to_fixed(0x1.8p-20F), 2);  // 1.5 to even
    EXPECT_EQ(loss_to_fixed(2047.5F), 2047LL * (1 << 20) + (1 << 19));
    EXPECT_EQ(loss_to_fixed(2048.0F), kLargestLoss);
    EXPECT_EQ(loss_to_fixed(1e30F), kLargestLoss);
    EXPECT_EQ(loss_to_fixed(kInfinity), kLargestLoss);
    EXPECT_EQ(loss_to_fixed(-kInfinity), kLargestLoss);
    EXPECT_EQ(loss_to_fixed(kNan), kLargestLoss);
    EXPECT_EQ(loss_to_fixed(-1e-7F), 0);
    EXPECT_EQ(sum_losses_fixed(std::vector<float>{1.0F, 2.0F, kNan}), 3 * (1 << 20) + kLargestLoss);
}

TEST(Integers, Gradients) {
    constexpr std::int32_t kLimit = std::numeric_limits<std::int32_t>::max();
    EXPECT_EQ(gradient_to_fixed(0.5F, 1), 1);
    EXPECT_EQ(gradient_to_fixed(0.25F, 1), 0);
    EXPECT_EQ(gradient_to_fixed(-0.75F, 1), -2);
    EXPECT_EQ(gradient_to_fixed(1.0F, 31), kLimit);
    EXPECT_EQ(gradient_to_fixed(-1.0F, 31), -kLimit);
    EXPECT_EQ(gradient_to_fixed(-kInfinity, 20), -kLimit);
    EXPECT_EQ(gradient_to_fixed(kNan, 20), 0);
    EXPECT_EQ(gradient_to_fixed(1e-45F, 100), 0);
    EXPECT_EQ(gradient_to_fixed(8.0F, -2), 2);
}

TEST(Integers, HalfRoundTripsEveryValue) {
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        const auto half = static_cast<std::uint16_t>(bits);
        const float x = f16_to_f32(half);
        EXPECT_TRUE(x != x || f32_to_f16(x) == half) << bits;
        const float y = bf16_to_f32(half);
        EXPECT_TRUE(y != y || f32_to_bf16(y) == half) << bits;
    }
}

TEST(Integers, HalfRoundsToNearestEven) {
    EXPECT_EQ(f32_to_f16(1.0F), 0x3C00);
    EXPECT_EQ(f32_to_f16(1.0F + 0x1p-11F), 0x3C00);      // halfway, even below
    EXPECT_EQ(f32_to_f16(1.0F + 0x1.8p-10F), 0x3C02);    // halfway, even above
    EXPECT_EQ(f32_to_f16(1.0F + 0x1.002p-11F), 0x3C01);  // just above halfway
    EXPECT_EQ(f32_to_f16(65504.0F), 0x7BFF);
    EXPECT_EQ(f32_to_f16(1e30F), 0x7BFF);
    EXPECT_EQ(f32_to_f16(-kInfinity), 0xFC00);
    EXPECT_EQ(f32_to_f16(0x1p-25F), 0x0000);  // halfway to the smallest
    EXPECT_EQ(f32_to_f16(0x1.004p-25F), 0x0001);
    EXPECT_EQ(f32_to_f16(0x1.ffcp-15F), 0x0400);  // rounds up to a normal number
    EXPECT_EQ(f32_to_f16(kNan), 0x7E00);
    EXPECT_EQ(f32_to_bf16(std::numeric_limits<float>::max()), 0x7F7F);
    EXPECT_EQ(f32_to_bf16(kInfinity), 0x7F80);
    EXPECT_EQ(f32_to_bf16(1.0F + 0x1p-8F), 0x3F80);
    EXPECT_EQ(f32_to_bf16(1.0F + 0x1.8p-7F), 0x3F82);
    EXPECT_EQ(f32_to_bf16(-kNan), 0x7FC0);
}

TEST(Integers, HalfIsTheNearestValue) {
    // between two neighbours every fp32 value goes to the closer one
    for (std::uint32_t bits = 0; bits + 1 < 0x7C00; bits += 7) {
        const float low = f16_to_f32(static_cast<std::uint16_t>(bits));
        const float high = f16_to_f32(static_cast<std::uint16_t>(bits + 1));
        EXPECT_EQ(f32_to_f16(std::nextafter((low + high) / 2, low)), bits);
        EXPECT_EQ(f32_to_f16(std::nextafter((low + high) / 2, high)), bits + 1);
    }
}

TEST(Integers, CacheTypes) {
    float x[] = {1.0F + 0x1p-20F, 1e6F};
    round_to_kv_type(KvType::kF32, 2, x);
    EXPECT_EQ(x[0], 1.0F + 0x1p-20F);
    round_to_kv_type(KvType::kF16, 2, x);
    EXPECT_EQ(x[0], 1.0F);
    EXPECT_EQ(x[1], 65504.0F);
    for (const KvType type : kKvTypes) EXPECT_EQ(*parse_kv_type(kv_type_name(type)), type);
    EXPECT_FALSE(parse_kv_type("f8").ok());
}

}  // namespace
}  // namespace cairn::tensor
