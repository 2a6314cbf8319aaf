// Proves which branches of a peer are remembered: the latest of each, those with most work, and
// none that is invalid or that the peer does not have.
#include "node/told_branches.h"

#include <gtest/gtest.h>

namespace cairn::node {
namespace {

using Tips = std::vector<const BlockNode*>;

class ToldBranchesTest : public testing::Test {
  protected:
    ToldBranchesTest() : tree_(genesis()) {}

    static chain::Block genesis() {
        chain::Block block;
        block.header.target = 0x20ffffff;
        return block;
    }
    BlockNode* add(const BlockNode* parent) {
        chain::BlockHeader header;
        header.previous = parent->hash;
        header.target = 0x20010000;
        header.nonce = ++made_;
        return tree_.add(header);
    }

    BlockTree tree_;
    std::uint64_t made_ = 0;
    ToldBranches branches_;
};

TEST_F(ToldBranchesTest, OfABranchTheLatestHeaderIsKept) {
    const BlockNode* a1 = add(tree_.genesis());
    const BlockNode* a2 = add(a1);
    EXPECT_EQ(branches_.best(), nullptr);
    branches_.add(a1);
    branches_.add(a2);
    branches_.add(a1);
    branches_.add(a2);
    EXPECT_EQ(branches_.tips(), Tips({a2}));
}

TEST_F(ToldBranchesTest, MostWorkFirstAndTheLatestAmongEquals) {
    const BlockNode* a = add(tree_.genesis());
    const BlockNode* b = add(tree_.genesis());
    const BlockNode* c = add(add(tree_.genesis()));
    branches_.add(a);
    branches_.add(c);
    branches_.add(b);
    EXPECT_EQ(branches_.tips(), Tips({c, b, a}));
    EXPECT_EQ(branches_.best(), c);
}

TEST_F(ToldBranchesTest, OfTooManyTheOldestWithTheLeastWorkGoes) {
    const BlockNode* long_one = add(add(tree_.genesis()));
    branches_.add(long_one);
    Tips others;
    for (std::size_t i = 0; i < 2 * ToldBranches::kMax; ++i) {
        others.push_back(add(tree_.genesis()));
        branches_.add(others.back());
    }
    const std::size_t last = others.size() - 1;
    EXPECT_EQ(branches_.tips(), Tips({long_one, others[last], others[last - 1], others[last - 2]}));
}

TEST_F(ToldBranchesTest, WhatIsInvalidOrLackingIsNotAskedFor) {
    BlockNode* a1 = add(tree_.genesis());
    const BlockNode* a2 = add(a1);
    const BlockNode* b1 = add(tree_.genesis());
    const BlockNode* b2 = add(b1);
    branches_.add(a2);
    branches_.add(b2);
    EXPECT_FALSE(branches_.drop_invalid());
    tree_.set_invalid(a1, "for a test");
    EXPECT_FALSE(branches_.drop_invalid()) << "one is left";
    EXPECT_EQ(branches_.tips(), Tips({b2}));
    branches_.remove(b1);
    EXPECT_TRUE(branches_.empty());
    EXPECT_FALSE(branches_.drop_invalid()) << "there was none";
    branches_.add(a2);
    EXPECT_TRUE(branches_.drop_invalid());
}

}  // namespace
}  // namespace cairn::node
