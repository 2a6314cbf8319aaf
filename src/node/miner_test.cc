// Proves that the miner searches on the tip and nowhere else, takes what arrives, waits for
// payloads that were committed to, but not for ever, and stops when told.
#include "node/miner.h"

#include <gtest/gtest.h>

#include "consensus/winner_rules.h"
#include "node/network_presets.h"
#include "node/test_active_chain.h"

namespace cairn::node {
namespace {

/// One hash out of 65536 makes a block, and none of the few that a test tries does.
chain::NetworkDefinition hard_network() {
    chain::NetworkDefinition network = consensus::test_network();
    network.first_target = 0x1f010000;
    network.pow_limit = 0x1f010000;
    return network;
}

/// A chain with its pool, and a miner that hands its blocks to the test.
class MinerTest : public testing::Test, public ActiveChain::Observer {
  protected:
    void make(chain::NetworkDefinition network = consensus::test_network()) {
        kit_ = std::make_unique<ActiveChainKit>(network);
        kit_->chain->set_observer(this);
        pool_ = std::make_unique<Mempool>(kit_->chain->network(), kit_->chain->genesis_id(),
                                          MempoolLimits{});
        miner_ = std::make_unique<Miner>(
            kit_->clock, random_, kit_->loop, *kit_->chain, *pool_,
            [](const ChainState&) { return chain::test_key(9); },
            [this](const BlockNode*) { return own_work_; }, options_,
            [this](const chain::Block& block) { found_.push_back(block); },
            [this](const consensus::BlockReport& report) {
                ++templates_;
                carried_ = report.contributions.size();
            });
    }
    /// For how long a trainer is waited for where blocks have one winner.
    std::uint64_t own_work_ms() const {
        return kit_->chain->network().spacing_ms / options_.own_work_part;
    }
    void on_tip(const SwitchOutcome& outcome) override {
        pool_->on_tip(outcome);
        miner_->on_tip();
    }
    void on_block_accepted(const BlockNode*) override {}
    void on_bodies_wanted() override {}
    void on_fault(const std::string&) override {}

    void add_commitment(const chain::Commitment& commitment) {
        ASSERT_EQ(pool_->add_commitment(make_item(commitment), *kit_->chain->tip()).added,
                  Mempool::Added::kNew);
        miner_->on_item();
    }
    /// Accepts the last block found, as the node does.
    void accept_found() { kit_->give(found_.back()); }

    SeededRandom random_{1};
    OwnWork own_work_;
    MinerOptions options_{.hashes_per_slice = 4};
    std::unique_ptr<ActiveChainKit> kit_;
    std::unique_ptr<Mempool> pool_;
    std::unique_ptr<Miner> miner_;
    std::vector<chain::Block> found_;
    int templates_ = 0;
    std::size_t carried_ = 0;  // contributions in the latest template
};

TEST_F(MinerTest, FindsValidBlocksOneAfterAnother) {
    make();
    kit_->loop.hold(Lane::kMine);
    miner_->set_enabled(true);
    for (std::uint32_t height = 1; height <= 6; ++height) {
        kit_->loop.advance_ms(options_.slice_pause_ms);
        kit_->loop.finish(Lane::kMine);
        ASSERT_EQ(found_.size(), height);
        EXPECT_EQ(found_.back().header.previous, kit_->tip());
        EXPECT_EQ(found_.back().coinbase.miner, chain::test_key(9));
        EXPECT_EQ(found_.back().coinbase.height, height);
        accept_found();
        EXPECT_EQ(kit_->tip(), hash_of(found_.back()));
    }
    EXPECT_EQ(miner_->progress().blocks, 6U);
}

TEST_F(MinerTest, SearchNonceFindsWhatMeetsTheTarget) {
    make();
    chain::BlockHeader header = kit_->mine(kit_->alice).header;
    header.target = 0x20010000;  // one in 256
    header.nonce = 0;
    ASSERT_TRUE(search_nonce(chain::WorkFunction::kSha256d, header, 10'000));
    EXPECT_TRUE(chain::meets_target(chain::block_hash(header),
                                    chain::target_from_compact(header.target).value()));
    chain::BlockHeader before = header;
    before.nonce = 0;
    EXPECT_FALSE(
        search_nonce(chain::WorkFunction::kSha256d, before, header.nonce));  // it was the first
    EXPECT_EQ(before.nonce, 0U);
}

TEST_F(MinerTest, RebuildsWhenTheTipMoves) {
    make(hard_network());
    const chain::Block theirs = kit_->mine(kit_->alice);
    miner_->set_enabled(true);
    kit_->loop.advance_ms(100);
    EXPECT_TRUE(miner_->progress().searching);
    EXPECT_EQ(miner_->progress().height, 1U);
    EXPECT_EQ(templates_, 1);
    kit_->give(theirs);
    kit_->loop.advance_ms(100);
    EXPECT_TRUE(miner_->progress().searching);
    EXPECT_EQ(miner_->progress().height, 2U);
    EXPECT_EQ(templates_, 2);
    EXPECT_TRUE(found_.empty());
}

TEST_F(MinerTest, NeverHandsOverABlockOnAnOldTip) {
    make();
    const chain::Block theirs = kit_->mine(kit_->alice);
    kit_->loop.hold(Lane::kMine);
    miner_->set_enabled(true);
    kit_->loop.run();
    ASSERT_EQ(kit_->loop.jobs(Lane::kMine), 1U);
    // While the slice, which will find a block, is being searched, the tip moves; and the slice
    // ends before there is a template for the new one.
    kit_->loop.hold(Lane::kChain);
    kit_->give(theirs);
    while (kit_->tip() != hash_of(theirs)) kit_->loop.finish(Lane::kChain);
    kit_->loop.finish(Lane::kMine);
    EXPECT_TRUE(found_.empty());
    kit_->loop.release(Lane::kChain);
    kit_->loop.release(Lane::kMine);
    kit_->loop.advance_ms(options_.slice_pause_ms);
    ASSERT_EQ(found_.size(), 1U);
    EXPECT_EQ(found_[0].header.previous, hash_of(theirs));
}

TEST_F(MinerTest, ATemplateForATipThatMovedMeanwhileIsNotSearched) {
    make();
    const chain::Block theirs = kit_->mine(kit_->alice);
    kit_->loop.hold(Lane::kChain);
    kit_->give(theirs);
    kit_->loop.finish(Lane::kChain);  // the header, then the body: the switch is next in the lane
    kit_->loop.finish(Lane::kChain);
    ASSERT_EQ(kit_->loop.jobs(Lane::kChain), 1U);
    miner_->set_enabled(true);
    kit_->loop.run();
    ASSERT_EQ(kit_->loop.jobs(Lane::kChain), 2U);  // and a template on the old tip behind it
    kit_->loop.release(Lane::kChain);
    kit_->loop.run();  // no time is lost over it
    ASSERT_EQ(found_.size(), 1U);
    EXPECT_EQ(found_[0].header.previous, hash_of(theirs));
}

TEST_F(MinerTest, StopsWhenTold) {
    make();
    kit_->loop.hold(Lane::kMine);
    miner_->set_enabled(true);
    kit_->loop.run();
    miner_->set_enabled(false);
    kit_->loop.finish(Lane::kMine);  // what this slice finds is not wanted any more
    kit_->loop.advance_ms(60'000);
    EXPECT_EQ(kit_->loop.jobs(Lane::kMine), 0U);
    EXPECT_TRUE(found_.empty());
    EXPECT_FALSE(miner_->progress().searching);
    // The chain is followed meanwhile, and mining goes on from its tip.
    const chain::Block theirs = kit_->mine(kit_->alice);
    kit_->give(theirs);
    EXPECT_EQ(kit_->loop.jobs(Lane::kMine), 0U);
    kit_->loop.release(Lane::kMine);
    miner_->set_enabled(true);
    kit_->loop.advance_ms(options_.slice_pause_ms);
    ASSERT_EQ(found_.size(), 1U);
    EXPECT_EQ(found_[0].header.previous, hash_of(theirs));
}

TEST_F(MinerTest, StoppedWhileATemplateIsMade) {
    make();
    kit_->loop.hold(Lane::kChain);
    miner_->set_enabled(true);
    kit_->loop.run();
    miner_->set_enabled(false);
    kit_->loop.release(Lane::kChain);
    kit_->loop.advance_ms(10'000);
    EXPECT_TRUE(found_.empty());
    EXPECT_FALSE(miner_->progress().searching);
}

TEST_F(MinerTest, MayEndWithATemplateASliceOrATimerToCome) {
    make();
    kit_->loop.hold(Lane::kChain);
    miner_->set_enabled(true);
    kit_->loop.run();
    ASSERT_EQ(kit_->loop.jobs(Lane::kChain), 1U);
    miner_.reset();
    kit_->loop.release(Lane::kChain);
    kit_->loop.run();
    EXPECT_EQ(templates_, 0);

    make();
    kit_->loop.hold(Lane::kMine);
    miner_->set_enabled(true);
    kit_->loop.run();
    ASSERT_EQ(kit_->loop.jobs(Lane::kMine), 1U);
    miner_.reset();
    kit_->loop.release(Lane::kMine);
    kit_->loop.run();
    EXPECT_TRUE(found_.empty());

    make();
    miner_->set_enabled(true);
    kit_->loop.run();
    ASSERT_EQ(found_.size(), 1U);
    miner_.reset();  // the next slice and the look after a block that is stuck are still to come
    kit_->loop.advance_ms(2 * options_.stuck_ms);
    EXPECT_EQ(found_.size(), 1U);
}

TEST_F(MinerTest, TakesWhatArrivesButNotTooOften) {
    make(hard_network());
    miner_->set_enabled(true);
    kit_->loop.run();
    ASSERT_EQ(templates_, 1);
    const Bytes payload = consensus::FakeModel::payload_of(consensus::step(0));
    add_commitment(kit_->others.commit(kit_->alice, payload));
    kit_->loop.advance_ms(10);
    add_commitment(kit_->others.commit(kit_->bob, payload));
    kit_->loop.advance_ms(options_.refresh_ms - 20);
    EXPECT_EQ(templates_, 1);
    kit_->loop.advance_ms(20);
    EXPECT_EQ(templates_, 2);
    kit_->loop.advance_ms(60'000);
    EXPECT_EQ(templates_, 2);  // nothing came, nothing is made anew
}

TEST_F(MinerTest, WhatAReplacedTemplateFoundIsNotHandedOver) {
    make();
    kit_->loop.hold(Lane::kMine);
    miner_->set_enabled(true);
    kit_->loop.run();
    const Bytes payload = consensus::FakeModel::payload_of(consensus::step(0));
    add_commitment(kit_->others.commit(kit_->alice, payload));
    kit_->loop.advance_ms(options_.refresh_ms);
    ASSERT_EQ(templates_, 2);
    kit_->loop.finish(Lane::kMine);  // finds a header for the first template, whose body is gone
    EXPECT_TRUE(found_.empty());
    kit_->loop.advance_ms(options_.slice_pause_ms);
    kit_->loop.finish(Lane::kMine);
    ASSERT_EQ(found_.size(), 1U);
    EXPECT_EQ(found_[0].header.body_root, chain::body_root(found_[0]));
    EXPECT_EQ(found_[0].commitments.size(), 1U);
}

TEST_F(MinerTest, ABlockCarriesWhatThePoolHas) {
    make();
    const Bytes payload = consensus::FakeModel::payload_of(consensus::step(0));
    const auto commitment = kit_->others.commit(kit_->alice, payload);
    add_commitment(commitment);
    miner_->set_enabled(true);
    kit_->loop.run();
    ASSERT_EQ(found_.size(), 1U);
    EXPECT_EQ(found_[0].commitments, std::vector<chain::Commitment>{commitment});
}

chain::NetworkDefinition one_winner_network() {
    chain::NetworkDefinition network = consensus::test_network();
    set_one_winner(network);
    return network;
}

TEST_F(MinerTest, WhereBlocksHaveOneWinnerItWaitsForItsOwnTrainer) {
    make(one_winner_network());
    own_work_.state = OwnWork::State::kAwaited;
    miner_->set_enabled(true);
    kit_->loop.advance_ms(own_work_ms() - 1);
    EXPECT_EQ(templates_, 0);
    EXPECT_TRUE(found_.empty());
    const consensus::WinnerPlace place{kit_->tip(), 1, kit_->alice.key};
    const auto made = consensus::winner_contribution(
        kit_->chain->network(), kit_->chain->genesis_id(), place,
        consensus::FakeModel::payload_of(consensus::step(0)), kit_->alice.secret, random_);
    own_work_ = {OwnWork::State::kMade, kit_->alice.key,
                 std::make_shared<const chain::Contribution>(made)};
    miner_->on_item();
    kit_->loop.advance_ms(100);
    ASSERT_EQ(found_.size(), 1U);
    EXPECT_EQ(found_[0].contributions, std::vector<chain::Contribution>{made});
    EXPECT_EQ(found_[0].coinbase.miner, kit_->alice.key);
    // A trainer that has nothing to give does not keep it from mining, under its own key then.
    own_work_ = {};
    accept_found();
    EXPECT_EQ(kit_->tip(), hash_of(found_[0]));
    kit_->loop.advance_ms(1'000);
    ASSERT_GE(found_.size(), 2U);
    EXPECT_TRUE(found_[1].contributions.empty());
    EXPECT_EQ(found_[1].coinbase.miner, chain::test_key(9));
}

// Else the hash power that searches would be of those alone who do not train.
TEST_F(MinerTest, WhereBlocksHaveOneWinnerItsHashPowerDoesNotRestForLong) {
    chain::NetworkDefinition network = one_winner_network();
    network.first_target = 0x1f010000;  // none of the few hashes meets it
    network.pow_limit = 0x1f010000;
    make(network);
    own_work_.state = OwnWork::State::kAwaited;
    miner_->set_enabled(true);
    kit_->loop.advance_ms(own_work_ms() - 1);
    EXPECT_FALSE(miner_->progress().searching);
    kit_->loop.advance_ms(100);
    EXPECT_TRUE(miner_->progress().searching);
    EXPECT_EQ(templates_, 1);
    // It comes late, and is taken all the same.
    const consensus::WinnerPlace place{kit_->tip(), 1, kit_->alice.key};
    own_work_ = {
        OwnWork::State::kMade, kit_->alice.key,
        std::make_shared<const chain::Contribution>(consensus::winner_contribution(
            kit_->chain->network(), kit_->chain->genesis_id(), place,
            consensus::FakeModel::payload_of(consensus::step(0)), kit_->alice.secret, random_))};
    miner_->on_item();
    kit_->loop.advance_ms(options_.refresh_ms);
    EXPECT_EQ(templates_, 2);
    EXPECT_EQ(carried_, 1U);
}

TEST_F(MinerTest, WhereItIsToldToItWaitsForItsOwnTrainerForAsLongAsItTakes) {
    options_.own_work_part = 0;
    make(one_winner_network());
    own_work_.state = OwnWork::State::kAwaited;
    miner_->set_enabled(true);
    kit_->loop.advance_ms(3'600'000);
    EXPECT_EQ(templates_, 0);
}

class MinerAtMergeTest : public MinerTest {
  protected:
    /// The next block is a merge block, and Alice has committed to a payload.
    void SetUp() override {
        make();
        contribution_ =
            kit_->others.commit_round(kit_->bob, {kit_->alice}, {consensus::step(0)}).front();
        for (const chain::Block& block : kit_->others.blocks) kit_->give(block);
        ASSERT_TRUE(kit_->chain->network().is_merge_height(kit_->chain->tip()->next.height));
        miner_->set_enabled(true);
        kit_->loop.run();
    }
    /// A quarter of a block's time, which is less than what patience there is.
    std::uint64_t grace_ms() const {
        const std::uint64_t part = kit_->others.network.spacing_ms / options_.merge_grace_part;
        EXPECT_LT(part, options_.merge_grace_ms);
        return part;
    }
    chain::Contribution contribution_;
};

TEST_F(MinerAtMergeTest, WaitsForThePayloadAndTakesItAtOnce) {
    kit_->loop.advance_ms(grace_ms() - 200);
    EXPECT_TRUE(found_.empty());
    ASSERT_EQ(pool_->add_checked(make_item(contribution_), *kit_->chain->tip()).added,
              Mempool::Added::kNew);
    miner_->on_item();
    kit_->loop.run();
    ASSERT_EQ(found_.size(), 1U);
    EXPECT_EQ(found_[0].contributions, std::vector<chain::Contribution>{contribution_});
}

TEST_F(MinerAtMergeTest, DoesNotWaitForEver) {
    kit_->loop.advance_ms(grace_ms() - 200);
    EXPECT_TRUE(found_.empty());
    kit_->loop.advance_ms(400);
    ASSERT_EQ(found_.size(), 1U);
    EXPECT_TRUE(found_[0].contributions.empty());
}

TEST_F(MinerTest, ABlockThatDidNotBecomeTheTipIsSearchedAnew) {
    make();
    miner_->set_enabled(true);
    kit_->loop.advance_ms(options_.slice_pause_ms);
    ASSERT_EQ(found_.size(), 1U);
    kit_->loop.advance_ms(options_.stuck_ms - 1'000);
    EXPECT_EQ(found_.size(), 1U);  // no second block beside it while it may become the tip
    kit_->loop.advance_ms(2'000);
    EXPECT_EQ(found_.size(), 2U);
}

}  // namespace
}  // namespace cairn::node
