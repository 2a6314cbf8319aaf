// Proves: SeededRandom is the same sequence everywhere, below() is in range, and a progress line
// tells the truth.
#include "base/random.h"

#include <gtest/gtest.h>

#include "base/progress.h"

namespace cairn {
namespace {

TEST(Random, SeededSequenceIsFixed) {
    SeededRandom random(1);
    // SplitMix64's published first value for seed 1.
    EXPECT_EQ(random.u64(), 0x910a2dec89025cc1u);
}

TEST(Random, BelowStaysBelow) {
    SeededRandom random(2);
    bool seen[7] = {};
    for (int i = 0; i < 1000; ++i) {
        const std::uint64_t value = random.below(7);
        ASSERT_LT(value, 7u);
        seen[value] = true;
    }
    for (bool hit : seen) EXPECT_TRUE(hit);
}

TEST(Random, SystemDrawsDiffer) {
    SystemRandom random;
    EXPECT_NE(random.hash256(), random.hash256());
}

TEST(Progress, RendersShareAndTimeLeft) {
    const std::string line = Progress::render("verify", 1, 4, 20'000'000, "block 7");
    EXPECT_NE(line.find(" 25%"), std::string::npos);
    EXPECT_NE(line.find("1:00 left"), std::string::npos);
    EXPECT_NE(line.find("block 7"), std::string::npos);
}

}  // namespace
}  // namespace cairn
