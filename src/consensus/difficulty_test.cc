// Proves the difficulty rule against a table computed with 120 decimal digits, its caps, and that
// no order of timestamps makes blocks easier than the time that really passed.
#include "consensus/difficulty.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "chain/target.h"
#include "consensus/work.h"

namespace cairn::consensus {
namespace {

struct Row {
    std::uint32_t parent;
    std::int64_t dt_ms;
    std::uint32_t next;
};

constexpr Row kRows[] = {
    {0x1e0fffff, 2000, 0x1e0fffff},           {0x1e0fffff, 0, 0x1e0fd0eb},
    {0x1e0fffff, 4000, 0x1e102f93},           {0x1e0fffff, 1000, 0x1e0fe85e},
    {0x1e0fffff, 20000, 0x1e11c0c5},          {0x1e0fffff, 20001, 0x1e11c0c5},
    {0x1e0fffff, 1000000000, 0x1e11c0c5},     {0x1e0fffff, -1000, 0x1e0fb99a},
    {0x1e0fffff, -100000, 0x1e08e062},        {0x1e0fffff, -10000000, 0x140191b4},
    {0x1e0fffff, -1000000000000, 0x03010000}, {0x1e0fffff, 122000, 0x1e11c0c5},
    {0x1e0fffff, 3999, 0x1e102f88},           {0x1e0fffff, 2001, 0x1e0fffff},
    {0x1f123456, 2000, 0x1f123456},           {0x1f123456, 0, 0x1f11fec5},
    {0x1f123456, 4000, 0x1f126a79},           {0x1f123456, 1000, 0x1f121973},
    {0x1f123456, 20000, 0x1f1432f1},          {0x1f123456, 20001, 0x1f1432f1},
    {0x1f123456, 1000000000, 0x1f1432f1},     {0x1f123456, -1000, 0x1f11e43e},
    {0x1f123456, -100000, 0x1f0a1978},        {0x1f123456, -10000000, 0x1501c90d},
    {0x1f123456, -1000000000000, 0x03010000}, {0x1f123456, 122000, 0x1f1432f1},
    {0x1f123456, 3999, 0x1f126a6c},           {0x1f123456, 2001, 0x1f123456},
    {0x20ffffff, 2000, 0x20ffffff},           {0x20ffffff, 0, 0x20fd0ebf},
    {0x20ffffff, 4000, 0x20ffffff},           {0x20ffffff, 1000, 0x20fe85f0},
    {0x20ffffff, 20000, 0x20ffffff},          {0x20ffffff, 20001, 0x20ffffff},
    {0x20ffffff, 1000000000, 0x20ffffff},     {0x20ffffff, -1000, 0x20fb99b7},
    {0x20ffffff, -100000, 0x208e0637},        {0x20ffffff, -10000000, 0x16191b49},
    {0x20ffffff, -1000000000000, 0x03010000}, {0x20ffffff, 122000, 0x20ffffff},
    {0x20ffffff, 3999, 0x20ffffff},           {0x20ffffff, 2001, 0x20ffffff},
    {0x03010000, 2000, 0x03010000},           {0x03010000, 0, 0x03010000},
    {0x03010000, 4000, 0x030102f9},           {0x03010000, 1000, 0x03010000},
    {0x03010000, 20000, 0x03011c0c},          {0x03010000, 20001, 0x03011c0c},
    {0x03010000, 1000000000, 0x03011c0c},     {0x03010000, -1000, 0x03010000},
    {0x03010000, -100000, 0x03010000},        {0x03010000, -10000000, 0x03010000},
    {0x03010000, -1000000000000, 0x03010000}, {0x03010000, 122000, 0x03011c0c},
    {0x03010000, 3999, 0x030102f8},           {0x03010000, 2001, 0x03010000},
    {0x04ffffff, 2000, 0x04ffffff},           {0x04ffffff, 0, 0x04fd0ebf},
    {0x04ffffff, 4000, 0x050102f9},           {0x04ffffff, 1000, 0x04fe85f0},
    {0x04ffffff, 20000, 0x05011c0c},          {0x04ffffff, 20001, 0x05011c0c},
    {0x04ffffff, 1000000000, 0x05011c0c},     {0x04ffffff, -1000, 0x04fb99b7},
    {0x04ffffff, -100000, 0x048e0637},        {0x04ffffff, -10000000, 0x03010000},
    {0x04ffffff, -1000000000000, 0x03010000}, {0x04ffffff, 122000, 0x05011c0c},
    {0x04ffffff, 3999, 0x050102f8},           {0x04ffffff, 2001, 0x04ffffff},
    {0x1d800001, 2000, 0x1d800001},           {0x1d800001, 0, 0x1d7e8761},
    {0x1d800001, 4000, 0x1d817ca8},           {0x1d800001, 1000, 0x1d7f42f9},
    {0x1d800001, 20000, 0x1d8e0639},          {0x1d800001, 20001, 0x1d8e0639},
    {0x1d800001, 1000000000, 0x1d8e0639},     {0x1d800001, -1000, 0x1d7dccdd},
    {0x1d800001, -100000, 0x1d47031c},        {0x1d800001, -10000000, 0x130c8da4},
    {0x1d800001, -1000000000000, 0x03010000}, {0x1d800001, 122000, 0x1d8e0639},
    {0x1d800001, 3999, 0x1d817c4e},           {0x1d800001, 2001, 0x1d800001},
};

chain::NetworkDefinition network() {
    chain::NetworkDefinition network;
    network.spacing_ms = 2000;
    network.halflife_ms = 120'000;
    return network;
}

TEST(Difficulty, Table) {
    for (const Row& row : kRows)
        EXPECT_EQ(next_target(network(), row.parent, row.dt_ms), row.next)
            << std::hex << row.parent << std::dec << " after " << row.dt_ms << " ms";
}

TEST(Difficulty, PowersOfTwo) {
    EXPECT_EQ(exp2_fraction_q32(0), std::uint64_t{1} << 32);
    EXPECT_EQ(exp2_fraction_q32(0x8000), 0x16a09e667u);  // sqrt(2)
    EXPECT_EQ(exp2_fraction_q32(0xffff), 0x1fffe9d1cu);
    for (std::uint32_t i = 1; i < 65536; ++i)
        ASSERT_GT(exp2_fraction_q32(static_cast<std::uint16_t>(i)),
                  exp2_fraction_q32(static_cast<std::uint16_t>(i - 1)));
}

TEST(Difficulty, SteadyTimesKeepTheTarget) {
    EXPECT_EQ(next_target(network(), 0x1e0fffff, 2000), 0x1e0fffffu);
}

TEST(Difficulty, NeverEasierThanTheLimit) {
    chain::NetworkDefinition limited = network();
    limited.pow_limit = 0x1e0fffff;
    EXPECT_EQ(next_target(limited, 0x1e0fffff, 1'000'000), 0x1e0fffffu);
    EXPECT_EQ(next_target(limited, 0x1e0ffff0, 1'000'000), 0x1e0fffffu);
}

TEST(Difficulty, JugglingTimestampsDoesNotEase) {
    SeededRandom random(3);
    for (int trial = 0; trial < 50; ++trial) {
        std::uint32_t target = 0x1d0fffff;
        std::int64_t elapsed = 0;
        for (int block = 0; block < 200; ++block) {
            const auto dt = static_cast<std::int64_t>(random.below(80'000)) - 40'000;
            elapsed += dt;
            target = next_target(network(), target, dt);
        }
        const double eased =
            std::log2(static_cast<double>(
                chain::target_from_compact(target)->shifted_right(180).low64())) -
            std::log2(static_cast<double>(
                chain::target_from_compact(0x1d0fffff)->shifted_right(180).low64()));
        const double honest = static_cast<double>(elapsed - 200 * 2000) / 120'000.0;
        EXPECT_LE(eased, std::max(honest, -30.0) + 0.01);
    }
}

TEST(Work, ExpectedHashes) {
    EXPECT_EQ(block_work(0x20800000), chain::U256(1));
    EXPECT_EQ(block_work(0x1f010000), chain::U256(0xffff));  // 2^256 / (2^240 + 1)
    EXPECT_EQ(block_work(0x1e0fffff), chain::U256(0x100001));
    EXPECT_EQ(block_work(0x1f00ffff), chain::U256{});  // malformed
    EXPECT_EQ(block_work(0x03010000).bit_length(), 240);
}

TEST(Work, SumsCompareAsNumbers) {
    const ChainWork one = add_work(ChainWork{}, 0x1f010000);
    const ChainWork two = add_work(one, 0x20800000);
    EXPECT_LT(one, two);
    EXPECT_EQ(chain::U256::from_big_endian(two), chain::U256(0x10000));
}

}  // namespace
}  // namespace cairn::consensus
