// Values from the table are accepted, a single other one is not.
#include "papers/lookup.h"

#include <gtest/gtest.h>

namespace cairn::papers {
namespace {

TEST(Lookup, AcceptsWhatStandsInTheTable) {
    const auto sides = check_lookup({0, 1, 2, 3}, {3, 3, 0, 1, 3}, 12345);
    ASSERT_TRUE(sides.ok());
    EXPECT_TRUE(sides->accepted);
    EXPECT_EQ(sides->left, sides->right);
    EXPECT_EQ(sides->multiplicities, (std::vector<std::uint64_t>{1, 1, 0, 3}));
}

TEST(Lookup, OneOtherValueIsSeen) {
    for (const std::int64_t wrong : {-1, 4, 1 << 30}) {
        const auto sides = check_lookup({0, 1, 2, 3}, {3, wrong, 0}, 987654321);
        ASSERT_TRUE(sides.ok());
        EXPECT_FALSE(sides->accepted) << wrong;
    }
}

TEST(Lookup, ByHand) {
    // 1 / (1 + 1) on both sides: the inverse of 2 is (p + 1) / 2 = 2^60.
    const auto sides = check_lookup({1}, {1}, 1);
    ASSERT_TRUE(sides.ok());
    EXPECT_EQ(sides->left, std::uint64_t{1} << 60);
}

TEST(Lookup, ABetaThatMeetsAnEntryIsRefused) {
    EXPECT_FALSE(check_lookup({5}, {5}, kLookupPrime - 5).ok());
    EXPECT_FALSE(check_lookup({5, 7}, {5}, kLookupPrime - 7).ok());
}

}  // namespace
}  // namespace cairn::papers
