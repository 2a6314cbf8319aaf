// Proves that a TokenBucket gives what it holds at once, then as much as comes again, and no more
// than it holds after any pause.
#include "base/token_bucket.h"

#include <gtest/gtest.h>

namespace cairn {
namespace {

int taken(TokenBucket& bucket, std::uint64_t now_ms) {
    int count = 0;
    while (count < 100 && bucket.take(now_ms)) ++count;
    return count;
}

TEST(TokenBucket, GivesWhatItHoldsAndThenWhatComesAgain) {
    TokenBucket bucket(5, 2);
    EXPECT_TRUE(bucket.has(1'000'000));
    EXPECT_EQ(taken(bucket, 1'000'000), 5);
    EXPECT_FALSE(bucket.has(1'000'000));
    EXPECT_EQ(taken(bucket, 1'000'499), 0);
    EXPECT_EQ(taken(bucket, 1'000'500), 1);
    EXPECT_EQ(taken(bucket, 1'002'000), 3);
    EXPECT_EQ(taken(bucket, 9'000'000), 5);
}

}  // namespace
}  // namespace cairn
