// Proves that a branch counted once is known again when it is read again, that another one is not,
// and that what breaks C1 is never counted.
#include "node/presync.h"

#include <gtest/gtest.h>

#include "consensus/test_chain.h"

namespace cairn::node {
namespace {

class PresyncTest : public testing::Test {
  protected:
    std::vector<chain::BlockHeader> branch(const consensus::Person& miner, int length) {
        std::vector<chain::BlockHeader> headers;
        for (int i = 0; i < length; ++i) headers.push_back(chain_.mine(miner).header);
        for (int i = 0; i < length; ++i) chain_.disconnect();
        return headers;
    }
    static constexpr std::uint64_t kNow = 4'000'000'000'000;

    consensus::Person alice_{1};
    consensus::Person bob_{2};
    consensus::TestChain chain_;
    BlockTree tree_{chain_.ledger.genesis()};
};

TEST_F(PresyncTest, KnowsWhatItCounted) {
    const auto headers = branch(alice_, 40);
    Presync presync(tree_.genesis(), 7, {});
    ASSERT_TRUE(
        presync.count(chain_.network, {}, headers, kNow, consensus::Work::kUnknown).is_valid());
    EXPECT_EQ(presync.counted(), 40U);
    EXPECT_TRUE(presync.has_enough());
    EXPECT_EQ(presync.last(), chain::block_hash(headers.back()));
    presync.read_again();
    EXPECT_EQ(presync.last(), tree_.genesis()->hash);
    EXPECT_FALSE(presync.is_complete());
    EXPECT_TRUE(presync.matches(chain_.network, {}, headers, kNow));
    EXPECT_TRUE(presync.is_complete());
}

TEST_F(PresyncTest, RefusesAnotherBranch) {
    const auto counted = branch(alice_, 40);
    const auto other = branch(bob_, 40);
    Presync presync(tree_.genesis(), 7, {});
    ASSERT_TRUE(
        presync.count(chain_.network, {}, counted, kNow, consensus::Work::kUnknown).is_valid());
    presync.read_again();
    EXPECT_FALSE(presync.matches(chain_.network, {}, other, kNow));
}

TEST_F(PresyncTest, HasEnoughOnlyAboveTheWorkThatIsNeeded) {
    const auto headers = branch(alice_, 3);
    HeaderWalk walk(tree_.genesis());
    for (const chain::BlockHeader& header : headers)
        ASSERT_TRUE(
            walk.step(chain_.network, {}, header, kNow, consensus::Work::kUnknown).is_valid());
    Presync presync(tree_.genesis(), 7, walk.work());
    ASSERT_TRUE(
        presync.count(chain_.network, {}, headers, kNow, consensus::Work::kUnknown).is_valid());
    EXPECT_FALSE(presync.has_enough());
}

TEST_F(PresyncTest, CountsNothingThatBreaksARule) {
    auto headers = branch(alice_, 5);
    headers[3].target ^= 1;
    Presync presync(tree_.genesis(), 7, {});
    EXPECT_TRUE(
        presync.count(chain_.network, {}, headers, kNow, consensus::Work::kUnknown).is_invalid());
    EXPECT_EQ(presync.counted(), 3U);
}

// The same contexts as the tree gives, so that C1 is judged alike on both ways.
TEST_F(PresyncTest, AWalkAndTheTreeAgree) {
    const auto headers = branch(bob_, 30);
    HeaderWalk walk(tree_.genesis());
    for (const chain::BlockHeader& header : headers) {
        ASSERT_TRUE(
            walk.step(chain_.network, {}, header, kNow, consensus::Work::kUnknown).is_valid());
        const BlockNode* node = tree_.add(header);
        EXPECT_EQ(walk.hash(), node->hash);
        EXPECT_EQ(walk.height(), node->height);
        EXPECT_EQ(walk.work(), node->work);
    }
}

}  // namespace
}  // namespace cairn::node
