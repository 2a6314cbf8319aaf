// Proves that compact targets have one spelling and that encoding never makes a target easier.
#include "chain/target.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "chain/test_objects.h"

namespace cairn::chain {
namespace {

TEST(Target, KnownValues) {
    EXPECT_EQ(to_hex(target_from_compact(0x1f0fffff)->big_endian()),
              "000fffff" + std::string(56, '0'));
    EXPECT_FALSE(target_from_compact(0x1f00ffff).ok());
    EXPECT_EQ(*target_from_compact(0x03010000), U256(0x10000));
    EXPECT_EQ(target_from_compact(0x20ffffff)->bit_length(), 256);
}

TEST(Target, OneSpelling) {
    SeededRandom random(1);
    for (int i = 0; i < 20000; ++i) {
        const auto compact = static_cast<std::uint32_t>(random.u64() & 0x3fffffff);
        const Result<U256> target = target_from_compact(compact);
        const std::uint32_t exponent = compact >> 24;
        EXPECT_EQ(target.ok(), exponent >= 3 && exponent <= 32 && (compact & 0xff0000) != 0);
        if (target.ok()) {
            EXPECT_EQ(compact_from_target(*target), compact);
        }
    }
}

TEST(Target, EncodingRoundsDown) {
    SeededRandom random(2);
    for (int i = 0; i < 2000; ++i) {
        const U256 target =
            U256::from_big_endian(random.hash256()).shifted_right(static_cast<int>(i % 238));
        const U256 back = *target_from_compact(compact_from_target(target));
        EXPECT_LE(back, target);
        EXPECT_LE(target.minus(back), target.shifted_right(15));
    }
    EXPECT_EQ(compact_from_target(U256{}), 0x03010000u);
    EXPECT_EQ(compact_from_target(U256::max()), 0x20ffffffu);
}

TEST(Target, HashIsABigEndianNumber) {
    Hash256 hash;
    hash.bytes[31] = 5;
    EXPECT_TRUE(meets_target(hash, U256(5)));
    EXPECT_FALSE(meets_target(hash, U256(4)));
    EXPECT_TRUE(meets_target(filled<32>(0xff), U256::max()));
}

}  // namespace
}  // namespace cairn::chain
