// Proves that guessing follows its success: more after all came true, pauses that grow while
// nothing does, and an end of the pauses when something does again.
#include "infer/draft_pace.h"

#include <gtest/gtest.h>

namespace cairn::infer {
namespace {

TEST(DraftPaceTest, FollowsWhatCameTrue) {
    DraftPace pace(8);
    EXPECT_EQ(pace.next(), 8U);
    pace.learn(8, 2);
    EXPECT_EQ(pace.next(), 3U);
    pace.learn(3, 3);
    EXPECT_EQ(pace.next(), 6U);
    pace.learn(6, 6);
    EXPECT_EQ(pace.next(), 8U);
    pace.learn(8, 0);
    EXPECT_EQ(pace.next(), 1U);
    EXPECT_EQ(DraftPace(0).next(), 1U);
    EXPECT_EQ(DraftPace(1000).next(), 32U);
}

TEST(DraftPaceTest, PausesGrowWhileNothingComesTrue) {
    DraftPace pace(4);
    const auto pause = [&] {
        std::size_t steps = 0;
        for (; pace.next() == 0; ++steps) pace.learn(0, 0);
        return steps;
    };
    for (std::size_t i = 0; i < DraftPace::kFailures; ++i) {
        EXPECT_EQ(pause(), 0U) << i;
        pace.learn(pace.next(), 0);
    }
    for (const std::size_t expected : {8U, 16U, 32U, 64U, 128U, 128U}) {
        EXPECT_EQ(pause(), expected);
        pace.learn(pace.next(), 0);
    }
    pause();
    pace.learn(1, 1);
    for (std::size_t i = 0; i < DraftPace::kFailures; ++i) {
        EXPECT_EQ(pause(), 0U) << i;
        pace.learn(pace.next(), 0);
    }
    EXPECT_EQ(pause(), DraftPace::kFirstPause);
}

}  // namespace
}  // namespace cairn::infer
