// Proves the choices of the block tree: most work with bodies all the way, first seen among
// equals, never what is invalid or what builds on it.
#include "node/block_tree.h"

#include <gtest/gtest.h>

namespace cairn::node {
namespace {

class BlockTreeTest : public testing::Test {
  protected:
    BlockTreeTest() : tree_(genesis()) {}

    static chain::Block genesis() {
        chain::Block block;
        block.header.target = 0x20ffffff;
        return block;
    }
    BlockNode* add(const BlockNode* parent, std::uint64_t nonce,
                   std::uint32_t target = 0x20010000) {
        chain::BlockHeader header;
        header.previous = parent->hash;
        header.target = target;
        header.nonce = nonce;
        header.time_ms = parent->height + 1;
        return tree_.add(header);
    }

    BlockTree tree_;
};

TEST_F(BlockTreeTest, FollowsBodiesAndWork) {
    BlockNode* a1 = add(tree_.genesis(), 1);
    BlockNode* a2 = add(a1, 1);
    BlockNode* b1 = add(tree_.genesis(), 2);
    BlockNode* b2 = add(b1, 2);
    BlockNode* b3 = add(b2, 2);
    EXPECT_EQ(tree_.best_header(), b3);
    EXPECT_EQ(tree_.best_candidate(), tree_.genesis());
    tree_.set_body(a2);  // its parent's body is missing
    EXPECT_EQ(tree_.best_candidate(), tree_.genesis());
    tree_.set_body(a1);
    EXPECT_EQ(tree_.best_candidate(), a2);
    tree_.set_body(b1);
    tree_.set_body(b2);
    EXPECT_EQ(tree_.best_candidate(), a2);  // equal work, seen first
    tree_.set_body(b3);
    EXPECT_EQ(tree_.best_candidate(), b3);
    tree_.lose_body(b2);
    EXPECT_EQ(tree_.best_candidate(), a2);
    tree_.set_body(b2);
    EXPECT_EQ(tree_.best_candidate(), b3);
    tree_.set_invalid(b2, "for a test");
    EXPECT_EQ(tree_.best_candidate(), a2);
    EXPECT_EQ(tree_.best_header(), a2);
    EXPECT_TRUE(b3->invalid);
    EXPECT_TRUE(add(b3, 9)->invalid);
    EXPECT_EQ(tree_.best_header(), a2);
}

TEST_F(BlockTreeTest, WorkCountsMoreThanHeight) {
    BlockNode* tall = tree_.genesis();
    for (int i = 0; i < 3; ++i) tall = add(tall, 1);
    BlockNode* heavy = add(tree_.genesis(), 2, 0x1f010000);
    EXPECT_EQ(tree_.best_header(), heavy);
    EXPECT_GT(heavy->work, tall->work);
}

TEST_F(BlockTreeTest, WalksAndLocates) {
    BlockNode* tip = tree_.genesis();
    std::vector<BlockNode*> chain{tip};
    for (std::uint64_t i = 0; i < 40; ++i) chain.push_back(tip = add(tip, i));
    BlockNode* side = add(chain[20], 99);
    EXPECT_EQ(common_ancestor(side, tip), chain[20]);
    EXPECT_EQ(ancestor_at(tip, 7), chain[7]);
    EXPECT_EQ(ancestor_at(chain[7], 8), nullptr);
    EXPECT_EQ(path(chain[38], tip), (std::vector<const BlockNode*>{chain[39], chain[40]}));
    const auto context = context_after(tip);
    EXPECT_EQ(context.height, 41U);
    EXPECT_EQ(context.grandparent_time_ms, 39U);
    const auto locator = tree_.locator(tip);
    EXPECT_EQ(locator.front(), tip->hash);
    EXPECT_EQ(locator.back(), tree_.genesis()->hash);
    EXPECT_LT(locator.size(), 20U);
}

// What the loop asks about distant blocks must not cost a walk over all between.
TEST_F(BlockTreeTest, FromAnyBlockToAnyOtherBelowAreFewSteps) {
    std::vector<const BlockNode*> chain{tree_.genesis()};
    while (chain.size() < 5'000) chain.push_back(add(chain.back(), 1));
    for (std::uint32_t from = 0; from < chain.size(); from += 7)
        for (std::uint32_t to = 0; to <= from; to += 11) {
            const BlockNode* at = chain[from];
            int steps = 0;
            for (; at->height > to; ++steps) at = step_down(at, to);
            ASSERT_EQ(at, chain[to]);
            ASSERT_LE(steps, 40) << "from " << from << " to " << to;
        }
    EXPECT_EQ(ancestor_at(chain[4'000], 17), chain[17]);
    EXPECT_EQ(ancestor_at(chain[17], 17), chain[17]);
    EXPECT_EQ(ancestor_at(chain[16], 17), nullptr);
    EXPECT_EQ(lowest(chain.back(), [](const BlockNode* node) { return node->height >= 1'234; }),
              chain[1'234]);
    EXPECT_EQ(lowest(chain.back(), [](const BlockNode* node) { return node->height >= 1; }),
              chain[1]);
}

TEST_F(BlockTreeTest, ForksMeetWhereTheyLeftEachOther) {
    std::vector<const BlockNode*> chain{tree_.genesis()};
    while (chain.size() < 300) chain.push_back(add(chain.back(), 1));
    for (std::uint32_t fork = 0; fork < chain.size(); fork += 13) {
        const BlockNode* other = chain[fork];
        for (std::uint64_t length = 0; length < 100; ++length) {
            EXPECT_EQ(common_ancestor(other, chain.back()), chain[fork]);
            EXPECT_EQ(common_ancestor(chain.back(), other), chain[fork]);
            other = add(other, 2);
        }
    }
}

TEST_F(BlockTreeTest, LocatorsNameTheLatestTenAndThenEverFewer) {
    std::vector<const BlockNode*> chain{tree_.genesis()};
    while (chain.size() < 2'000) chain.push_back(add(chain.back(), 1));
    for (const std::uint32_t tip : {0U, 1U, 9U, 10U, 11U, 12U, 400U, 1'999U}) {
        std::vector<Hash256> wanted;
        std::uint32_t height = tip;
        for (std::uint32_t step = 1; height > 0; height -= std::min(height, step)) {
            wanted.push_back(chain[height]->hash);
            if (wanted.size() >= 10) step *= 2;
        }
        wanted.push_back(chain[0]->hash);
        EXPECT_EQ(tree_.locator(chain[tip]), wanted) << tip;
    }
}

}  // namespace
}  // namespace cairn::node
