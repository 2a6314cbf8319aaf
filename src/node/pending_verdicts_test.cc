// Proves that a merge block which the fast kernels call invalid is condemned only after the
// reference was asked, on a lane of its own: honest blocks go on meanwhile, one question is asked
// at a time, the branch with most work first, and a node whose kernels contradict each other stops.
#include "node/pending_verdicts.h"

#include <gtest/gtest.h>

#include "node/test_active_chain.h"

namespace cairn::node {
namespace {

class PendingVerdictsTest : public testing::Test {
  protected:
    /// Everybody stands before a merge block, and alice has a contribution for it.
    PendingVerdictsTest() {
        const auto contributions =
            kit_.others.commit_round(kit_.alice, {kit_.alice}, {consensus::step(0, -900)});
        candidates_.contributions.assign(contributions.begin(), contributions.end());
        for (const chain::Block& block : kit_.others.blocks) kit_.give(block);
        honest_ = kit_.others.assemble(candidates_, kit_.bob);
        CHECK(honest_.contributions.size() == 1);
        kit_.others.seal(honest_);
        kit_.loop.hold(Lane::kReference);
    }
    /// The honest merge block, but for the state that it names.
    chain::Block lie(std::size_t number) const {
        chain::Block block = honest_;
        block.header.state_root.bytes[number] ^= 1;
        kit_.others.seal(block);
        return block;
    }
    /// A block on top of one that nobody could build on.
    chain::Block child_of(const chain::Block& parent, std::uint8_t number) const {
        chain::Block block = honest_;
        block.contributions.clear();
        block.coinbase.height += 1;
        block.coinbase.outputs.clear();
        block.coinbase.steps = {};
        block.header.previous = hash_of(parent);
        block.header.time_ms += kit_.others.network.spacing_ms;
        block.header.target =
            consensus::expected_target(kit_.others.network, context_after(kit_.node(parent)));
        block.header.state_root.bytes[0] = number;
        kit_.others.seal(block);
        return block;
    }
    std::size_t questions() const { return kit_.loop.jobs(Lane::kReference); }
    bool invalid(const chain::Block& block) const { return kit_.node(block)->invalid; }

    ActiveChainKit kit_;
    consensus::Candidates candidates_;
    chain::Block honest_;
};

TEST_F(PendingVerdictsTest, HonestBlocksGoOnWhileTheReferenceIsAsked) {
    const chain::Block bad = lie(0);
    kit_.give(bad);
    ASSERT_EQ(questions(), 1U);
    EXPECT_FALSE(invalid(bad));
    EXPECT_EQ(kit_.tip(), bad.header.previous);
    EXPECT_TRUE(kit_.chain->is_settled());

    kit_.give(honest_);
    EXPECT_EQ(kit_.tip(), hash_of(honest_));
    ASSERT_TRUE(kit_.others.connect(honest_).is_valid());
    const chain::Block next = kit_.mine(kit_.alice);
    kit_.give(next);
    EXPECT_EQ(kit_.tip(), hash_of(next));

    // More work on the bad block does not help it.
    const chain::Block above = child_of(bad, 1);
    kit_.give(above);
    kit_.give(child_of(above, 2));
    EXPECT_EQ(kit_.tip(), hash_of(next));
    kit_.loop.release(Lane::kReference);
    kit_.loop.run();
    EXPECT_TRUE(invalid(bad));
    EXPECT_TRUE(invalid(above));
    EXPECT_EQ(kit_.store->header(hash_of(bad))->status, store::BlockStatus::kInvalid);
    EXPECT_EQ(kit_.tip(), hash_of(next));
    EXPECT_EQ(kit_.fault, "");
}

TEST_F(PendingVerdictsTest, OneQuestionAtATimeTheMostWorkFirst) {
    const std::vector<chain::Block> bad{lie(0), lie(1), lie(2), lie(3)};
    for (const chain::Block& block : bad) kit_.give(block);
    ASSERT_EQ(questions(), 1U);
    kit_.give(child_of(bad[2], 1));

    kit_.loop.finish(Lane::kReference);
    kit_.loop.run();
    EXPECT_TRUE(invalid(bad[0]));
    ASSERT_EQ(questions(), 1U);
    kit_.loop.finish(Lane::kReference);
    kit_.loop.run();
    EXPECT_TRUE(invalid(bad[2]));
    EXPECT_FALSE(invalid(bad[1]));
    ASSERT_EQ(questions(), 1U);
    // The rest has no more work than the tip: nobody needs to know about it.
    kit_.give(honest_);
    kit_.loop.finish(Lane::kReference);
    kit_.loop.run();
    EXPECT_EQ(questions(), 0U);
    EXPECT_EQ(kit_.tip(), hash_of(honest_));
    EXPECT_FALSE(invalid(bad[3]));
    // Until something stands on it.
    kit_.give(child_of(bad[3], 1));
    EXPECT_EQ(questions(), 1U);
    kit_.loop.release(Lane::kReference);
    kit_.loop.run();
    EXPECT_TRUE(invalid(bad[3]));
    EXPECT_EQ(kit_.tip(), hash_of(honest_));
}

TEST_F(PendingVerdictsTest, ANodeWhoseKernelsDisagreeStops) {
    kit_.model->fast_kernels_lie = true;
    kit_.give(honest_);
    EXPECT_EQ(questions(), 1U);
    EXPECT_EQ(kit_.fault, "");
    kit_.loop.release(Lane::kReference);
    kit_.loop.run();
    EXPECT_NE(kit_.fault.find("reference kernels say \"valid\""), std::string::npos);
    EXPECT_EQ(kit_.chain->fault(), kit_.fault);
    EXPECT_FALSE(invalid(honest_));
    EXPECT_FALSE(kit_.chain->is_settled());
    // It follows nothing else either, and judges anew after a restart.
    const chain::Block other = kit_.mine(kit_.alice);
    kit_.give(other);
    EXPECT_EQ(kit_.tip(), honest_.header.previous);
    kit_.fault.clear();
    kit_.start();
    EXPECT_EQ(kit_.tip(), hash_of(honest_));
    EXPECT_EQ(kit_.fault, "");
}

TEST_F(PendingVerdictsTest, AReferenceThatFailsIsAskedAgain) {
    const chain::Block bad = lie(0);
    kit_.model->reference_broken = true;
    kit_.give(bad);
    kit_.loop.release(Lane::kReference);
    kit_.loop.run();
    EXPECT_FALSE(invalid(bad));
    EXPECT_FALSE(kit_.chain->is_settled());
    kit_.model->reference_broken = false;
    kit_.loop.advance_ms(kit_.options.retry_ms);
    EXPECT_TRUE(invalid(bad));
    EXPECT_TRUE(kit_.chain->is_settled());
}

TEST_F(PendingVerdictsTest, BadMemoryIsSaid) {
    kit_.model->flip_a_bit();
    kit_.give(honest_);
    EXPECT_EQ(kit_.tip(), hash_of(honest_));
    EXPECT_EQ(questions(), 0U);
    EXPECT_NE(kit_.chain->fault().find("memory is at fault"), std::string::npos);
    EXPECT_TRUE(kit_.chain->takes_bodies());
}

}  // namespace
}  // namespace cairn::node
