// Proves that a lasting fault is logged a few times and then ever more seldom, and that another
// fault, or the same one after a pause, is logged at once.
#include "base/log_rate_limiter.h"

#include <gtest/gtest.h>

namespace cairn {
namespace {

TEST(LogRateLimiter, TenThousandLinesOfAKindAreAFew) {
    LogRateLimiter limiter;
    std::size_t shown = 0;
    std::string last;
    for (std::uint64_t i = 0; i < 10'000; ++i) {
        const auto line = limiter.pass("block 00f3a" + std::to_string(i) + " is not stored", i);
        if (!line) continue;
        ++shown;
        last = *line;
    }
    EXPECT_LT(shown, 20U);
    EXPECT_GE(shown, 4U);
    EXPECT_NE(last.find("is not stored (8192 of the kind by now)"), std::string::npos) << last;
}

TEST(LogRateLimiter, AnotherTroubleIsToldAtOnce) {
    LogRateLimiter limiter;
    for (int i = 0; i < 100; ++i) (void)limiter.pass("the disk is full", 0);
    EXPECT_EQ(limiter.pass("the clock is wrong", 0), "the clock is wrong");
    EXPECT_FALSE(limiter.pass("the disk is full", 599'999).has_value());
    EXPECT_EQ(limiter.pass("the disk is full", 1'300'000), "the disk is full") << "after a pause";
}

}  // namespace
}  // namespace cairn
