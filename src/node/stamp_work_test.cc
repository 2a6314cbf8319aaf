// Proves that stamps of strangers' commitments are hashed beside the loop, a few at a time and one
// of each peer in turn, and that what needs no stamp costs none.
#include "node/stamp_work.h"

#include <gtest/gtest.h>

#include <map>

#include "base/test_loop.h"
#include "chain/commitment.h"
#include "chain/test_objects.h"

namespace cairn::node {
namespace {

class StampWorkTest : public testing::Test {
  protected:
    void give(Source from, int count) {
        for (int i = 0; i < count; ++i) {
            chain::Commitment commitment = chain::sample_commitment();
            commitment.nonce = ++nonce_;
            work_.add(from, make_item(commitment));
        }
    }

    ManualClock clock_{1'000};
    TestLoop loop_{clock_};
    std::uint64_t nonce_ = 0;
    bool asked_for_ = true;
    std::size_t screened_ = 0;
    std::map<Source, int> done_;
    StampWork work_{loop_,
                    chain::WorkFunction::kSha256d,
                    {},
                    {.screen =
                         [this](Source, const ItemPtr&) {
                             ++screened_;
                             return asked_for_;
                         },
                     .done =
                         [this](Source from, const ItemPtr& item, const Hash256& stamp) {
                             EXPECT_EQ(stamp, chain::stamp_hash(chain::WorkFunction::kSha256d, {},
                                                                item->commitment()));
                             ++done_[from];
                         }}};
};

TEST_F(StampWorkTest, NobodyWaitsForAnothersMany) {
    loop_.hold(Lane::kWork);
    give(1, 100);
    give(2, 1);
    give(3, 1);
    EXPECT_TRUE(done_.empty()) << "nothing is hashed on the loop";
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(loop_.jobs(Lane::kWork), 1U) << "one batch at a time";
        loop_.finish(Lane::kWork);
    }
    EXPECT_EQ(done_[2], 1);
    EXPECT_EQ(done_[3], 1);
    EXPECT_LT(done_[1], 20);
    loop_.release(Lane::kWork);
    loop_.run();
    EXPECT_EQ(done_[1], 100);
    EXPECT_EQ(work_.computed(), 102U);
}

TEST_F(StampWorkTest, WhatIsSettledWithoutItsStampCostsNone) {
    asked_for_ = false;
    give(1, 100);
    EXPECT_EQ(screened_, 100U);
    loop_.run();
    EXPECT_EQ(work_.computed(), 0U);
    asked_for_ = true;
    give(1, 1);
    loop_.run();
    EXPECT_EQ(done_[1], 1) << "it goes on";
}

// A whole room of them is due when a round begins.
TEST_F(StampWorkTest, TheLoopGoesOnBetweenLooks) {
    loop_.hold(Lane::kWork);
    give(1, 100);
    asked_for_ = false;
    const std::size_t before = screened_;
    loop_.finish(Lane::kWork);
    EXPECT_LE(screened_ - before, StampWork::kBatch);
    loop_.release(Lane::kWork);
    loop_.run();
    EXPECT_EQ(screened_, 100U);
}

TEST_F(StampWorkTest, WhoeverLeavesIsForgotten) {
    loop_.hold(Lane::kWork);
    give(1, 100);
    work_.forget(1);
    loop_.release(Lane::kWork);
    loop_.run();
    EXPECT_LE(done_[1], 1);
    give(2, 3);
    loop_.run();
    EXPECT_EQ(done_[2], 3);
}

}  // namespace
}  // namespace cairn::node
