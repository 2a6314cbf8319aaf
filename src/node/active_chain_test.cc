// Proves that the node follows the branch with most work and no other: it leaves a branch with an
// invalid block, whose descendants become invalid too; it goes on after a lost body or a judge that
// could not be asked; and after a restart it stands where it stood. And that what strangers send
// cannot fill the chain lane.
#include "node/active_chain.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "node/test_active_chain.h"

namespace cairn::node {
namespace {

using Body = ActiveChain::BodyOutcome;

/// A block that C8 refuses: it lies about the state. Everything before C8 is right.
chain::Block lie(const consensus::TestChain& others, chain::Block block) {
    block.header.state_root.bytes[0] ^= 1;
    others.seal(block);
    return block;
}

/// An empty block on top of one that nobody can build on: only its header is judged.
chain::Block child_of(const consensus::TestChain& others, const chain::Block& parent,
                      chain::Block like) {
    like.header.previous = hash_of(parent);
    others.seal(like);
    return like;
}

// The definition got an upgrade when the chain on the disk had already gone past its height by the
// old rules: another chain than the network's.
TEST(ActiveChain, AStoredChainThatWentPastANewUpgradeIsRefused) {
    ActiveChainKit kit;
    for (const chain::Block& block : kit.branch(kit.alice, 4)) kit.give(block);
    ASSERT_EQ(kit.chain->tip()->node->height, 4U);
    const auto start = [&](std::uint32_t height) {
        chain::NetworkDefinition network = kit.others.network;
        network.upgrades = {{height, 0, 2}};
        consensus::FakeModel model;
        ActiveChain chain(network, kit.clock, kit.loop, *kit.store, model, {});
        const Status started = chain.start([] {});
        kit.loop.run();
        return started.ok() ? std::string() : started.error().message;
    };
    EXPECT_EQ(start(5), "") << "the next block is the first by other rules";
    const std::string refused = start(4);
    EXPECT_NE(refused.find("at height 4, for which network.json names"), std::string::npos)
        << refused;
    EXPECT_NE(refused.find("Start in an empty folder"), std::string::npos) << refused;
}

// An older program on the folder of a newer one: it could load the state, and understand nothing.
TEST(ActiveChain, AChainThatANewerProgramFollowedIsRefused) {
    chain::NetworkDefinition network = consensus::test_network();
    network.upgrades = {{3, 2, 0}};
    const consensus::RuleBook newer({consensus::Rules{}}, 2);
    ActiveChainKit kit(network, {.state = {.rules = &newer}}, newer);
    for (const chain::Block& block : kit.branch(kit.alice, 4)) kit.give(block);
    ASSERT_EQ(kit.chain->tip()->node->height, 4U);
    consensus::FakeModel model;
    ActiveChain older(network, kit.clock, kit.loop, *kit.store, model, {});
    const Status started = older.start([] {});
    ASSERT_FALSE(started.ok());
    EXPECT_EQ(started.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(started.error().message.find("start the newer one again"), std::string::npos);
}

TEST(ActiveChain, FollowsTheBranchWithMostWork) {
    ActiveChainKit kit;
    const auto first = kit.branch(kit.alice, 2);
    kit.take_back(2);
    const auto second = kit.branch(kit.bob, 3);
    for (const chain::Block& block : first) kit.give(block);
    ASSERT_EQ(kit.tip(), hash_of(first[1]));

    kit.give(second[0]);
    kit.give(second[1]);
    EXPECT_EQ(kit.tip(), hash_of(first[1]));  // of equals, the one seen first
    EXPECT_EQ(kit.chain->reorganisations(), 0U);

    kit.outcomes.clear();
    kit.give(second[2]);
    ASSERT_EQ(kit.tip(), hash_of(second[2]));
    EXPECT_EQ(kit.chain->reorganisations(), 1U);
    ASSERT_EQ(kit.outcomes.size(), 1U);
    EXPECT_EQ(kit.outcomes[0].disconnected.size(), 2U);
    EXPECT_EQ(*kit.outcomes[0].disconnected[0], first[1]);  // from the old tip downwards
    EXPECT_EQ(kit.outcomes[0].connected.size(), 3U);
    for (std::uint32_t height = 1; height <= 3; ++height)
        EXPECT_EQ(kit.chain->active_at(height), kit.node(second[height - 1]));
    EXPECT_EQ(kit.chain->active_at(4), nullptr);
    EXPECT_FALSE(kit.chain->is_active(kit.node(first[0])));
}

TEST(ActiveChain, BodiesMayComeInAnyOrder) {
    ActiveChainKit kit;
    const auto blocks = kit.branch(kit.alice, 5);
    EXPECT_TRUE(kit.give_header(blocks[1]).unknown_parent);
    EXPECT_EQ(kit.chain->accept_block(blocks[0]), Body::kUnknownHeader);
    for (const chain::Block& block : blocks) EXPECT_EQ(kit.give_header(block).added, 1U);
    for (std::size_t i = blocks.size() - 1; i > 0; --i) {
        EXPECT_EQ(kit.chain->accept_block(blocks[i]), Body::kAccepted);
        EXPECT_EQ(kit.chain->accept_block(blocks[i]), Body::kKnown);
        kit.loop.run();
        EXPECT_EQ(kit.chain->tip()->node->height, 0U);
    }
    chain::Block other_body = blocks[1];
    other_body.header = blocks[0].header;
    EXPECT_EQ(kit.chain->accept_block(other_body), Body::kMismatch);
    EXPECT_EQ(kit.chain->accept_block(blocks[0]), Body::kAccepted);
    kit.loop.run();
    EXPECT_EQ(kit.tip(), hash_of(blocks[4]));
}

TEST(ActiveChain, GoesInStepsThatAreBounded) {
    ChainOptions options;
    options.max_blocks_per_job = 2;
    ActiveChainKit kit(consensus::test_network(), options);
    const auto blocks = kit.branch(kit.alice, 7);
    for (const chain::Block& block : blocks) kit.give_header(block);
    for (std::size_t i = blocks.size(); i-- > 0;) kit.chain->accept_block(blocks[i]);
    kit.loop.run();
    EXPECT_EQ(kit.tip(), hash_of(blocks[6]));
    EXPECT_EQ(kit.outcomes.size(), 4U);
    for (const SwitchOutcome& outcome : kit.outcomes) EXPECT_LE(outcome.connected.size(), 2U);
}

TEST(ActiveChain, GoesBackFromAnInvalidBranch) {
    ActiveChainKit kit;
    const auto good = kit.branch(kit.alice, 3);
    for (const chain::Block& block : good) kit.give(block);
    kit.take_back(3);
    auto bad = kit.branch(kit.bob, 4);
    bad[2] = lie(kit.others, bad[2]);
    bad[3] = child_of(kit.others, bad[2], bad[3]);
    for (const chain::Block& block : bad) kit.give(block);

    EXPECT_EQ(kit.tip(), hash_of(good[2]));
    EXPECT_EQ(kit.chain->reorganisations(), 0U);
    EXPECT_FALSE(kit.node(bad[1])->invalid);
    EXPECT_TRUE(kit.node(bad[2])->invalid);
    EXPECT_TRUE(kit.node(bad[3])->invalid);
    EXPECT_FALSE(kit.node(bad[2])->reason.empty());
    for (const std::size_t i : {2U, 3U})
        EXPECT_EQ(kit.store->header(hash_of(bad[i]))->status, store::BlockStatus::kInvalid);
    EXPECT_EQ(kit.chain->accept_block(bad[3]), Body::kKnown);

    // It is remembered, and the good chain goes on.
    kit.start();
    EXPECT_EQ(kit.tip(), hash_of(good[2]));
    EXPECT_TRUE(kit.node(bad[3])->invalid);
    kit.take_back(4);
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(kit.others.connect(good[static_cast<std::size_t>(i)]).is_valid());
    const chain::Block next = kit.mine(kit.alice);
    kit.give(next);
    EXPECT_EQ(kit.tip(), hash_of(next));
}

TEST(ActiveChain, KeepsTheValidPartOfABranchThatHasMoreWork) {
    ActiveChainKit kit;
    const auto old = kit.branch(kit.alice, 1);
    kit.give(old[0]);
    kit.take_back(1);
    auto bad = kit.branch(kit.bob, 3);
    bad[2] = lie(kit.others, bad[2]);
    for (const chain::Block& block : bad) kit.give_header(block);
    for (std::size_t i = bad.size(); i-- > 0;) kit.chain->accept_block(bad[i]);
    kit.loop.run();
    EXPECT_EQ(kit.tip(), hash_of(bad[1]));
    EXPECT_TRUE(kit.node(bad[2])->invalid);
}

TEST(ActiveChain, ABodyThatTheDiskLostIsFetchedAgain) {
    ActiveChainKit kit;
    const auto first = kit.branch(kit.alice, 2);
    for (const chain::Block& block : first) kit.give(block);
    kit.take_back(2);
    const auto second = kit.branch(kit.bob, 3);
    kit.give(second[0]);
    kit.give(second[1]);
    ASSERT_TRUE(kit.store->discard_body(hash_of(second[0])).ok());
    kit.bodies_wanted = 0;
    kit.give(second[2]);

    EXPECT_EQ(kit.tip(), hash_of(first[1]));
    EXPECT_FALSE(kit.node(second[0])->invalid);  // it was lost here: that is no fault of the block
    EXPECT_FALSE(kit.node(second[0])->has_body);
    EXPECT_GT(kit.bodies_wanted, 0);
    EXPECT_EQ(kit.chain->accept_block(second[0]), Body::kAccepted);
    kit.loop.advance_ms(kit.options.retry_ms);
    EXPECT_EQ(kit.tip(), hash_of(second[2]));
}

TEST(ActiveChain, WhatCouldNotBeJudgedIsTriedAgain) {
    ActiveChainKit kit;
    const auto contributions =
        kit.others.commit_round(kit.alice, {kit.alice}, {consensus::step(0, -900)});
    consensus::Candidates candidates;
    candidates.contributions.assign(contributions.begin(), contributions.end());
    const chain::Block merge = kit.mine(kit.alice, candidates);
    ASSERT_EQ(merge.contributions.size(), 1U);
    kit.model->broken = true;
    for (const chain::Block& block : kit.others.blocks) kit.give(block);
    EXPECT_EQ(kit.tip(), merge.header.previous);
    EXPECT_FALSE(kit.node(merge)->invalid);
    kit.loop.advance_ms(kit.options.retry_ms);
    EXPECT_EQ(kit.tip(), merge.header.previous);
    kit.model->broken = false;
    kit.loop.advance_ms(kit.options.retry_ms);
    EXPECT_EQ(kit.tip(), hash_of(merge));
}

TEST(ActiveChain, AFullDiskIsSaidAndGotOver) {
    ActiveChainKit kit;
    const auto blocks = kit.branch(kit.alice, 2);
    kit.give(blocks[0]);
    kit.give_header(blocks[1]);
    kit.loop.run();
    kit.disk.set_full(true);
    kit.chain->accept_block(blocks[1]);
    kit.loop.run();
    EXPECT_FALSE(kit.chain->trouble().empty());
    EXPECT_FALSE(kit.chain->takes_bodies());
    EXPECT_EQ(kit.tip(), hash_of(blocks[0]));
    kit.disk.set_full(false);
    kit.loop.advance_ms(kit.options.retry_ms);
    EXPECT_TRUE(kit.chain->takes_bodies());
    EXPECT_EQ(kit.chain->accept_block(blocks[1]), Body::kAccepted);
    kit.loop.run();
    EXPECT_TRUE(kit.chain->trouble().empty());
    EXPECT_EQ(kit.tip(), hash_of(blocks[1]));
}

// Any number of headers may come in messages of their own, and a lane's queue is bounded.
TEST(ActiveChain, HeadersThatComeWhileTheLaneIsBusyMakeOneJob) {
    ActiveChainKit kit;
    const auto blocks = kit.branch(kit.alice, 6);
    kit.loop.hold(Lane::kChain);
    for (std::size_t i = 0; i < 5; ++i) kit.give_header(blocks[i]);
    EXPECT_EQ(kit.loop.jobs(Lane::kChain), 1U);
    kit.loop.finish(Lane::kChain);
    EXPECT_EQ(kit.loop.jobs(Lane::kChain), 1U);
    kit.give_header(blocks[5]);
    EXPECT_EQ(kit.chain->accept_block(blocks[5]), Body::kAccepted);  // its header goes before it
    kit.loop.release(Lane::kChain);
    kit.loop.run();
    for (const chain::Block& block : blocks) EXPECT_TRUE(kit.store->header(hash_of(block)).ok());
    EXPECT_TRUE(kit.store->has_body(hash_of(blocks[5])));
    kit.start();
    EXPECT_EQ(kit.chain->tree().best_header()->height, 6U);
}

TEST(ActiveChain, BodiesThatComeFasterThanTheyAreStoredAreBounded) {
    ChainOptions options;
    options.max_bodies_coming = 2;
    ActiveChainKit kit(consensus::test_network(), options);
    const auto blocks = kit.branch(kit.alice, 4);
    for (const chain::Block& block : blocks) kit.give_header(block);
    kit.loop.run();
    kit.loop.hold(Lane::kChain);
    EXPECT_EQ(kit.chain->accept_block(blocks[0]), Body::kAccepted);
    EXPECT_TRUE(kit.chain->takes_bodies());
    EXPECT_EQ(kit.chain->accept_block(blocks[1]), Body::kAccepted);
    EXPECT_FALSE(kit.chain->takes_bodies());
    EXPECT_EQ(kit.chain->accept_block(blocks[2]), Body::kBusy);
    EXPECT_EQ(kit.loop.jobs(Lane::kChain), 2U);
    kit.bodies_wanted = 0;
    kit.loop.release(Lane::kChain);
    kit.loop.run();
    EXPECT_EQ(kit.bodies_wanted, 1);
    EXPECT_EQ(kit.tip(), hash_of(blocks[1]));
    for (const std::size_t i : {2U, 3U})
        EXPECT_EQ(kit.chain->accept_block(blocks[i]), Body::kAccepted);
    kit.loop.run();
    EXPECT_EQ(kit.tip(), hash_of(blocks[3]));
}

/// While one exists, no file of this process can grow: a full disk, also for the database.
class NoFileGrows {
  public:
    NoFileGrows() {
        CHECK(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
        handler_ = std::signal(SIGXFSZ, SIG_IGN);
        const rlimit none{0, before_.rlim_max};
        CHECK(::setrlimit(RLIMIT_FSIZE, &none) == 0);
    }
    ~NoFileGrows() {
        CHECK(::setrlimit(RLIMIT_FSIZE, &before_) == 0);
        std::signal(SIGXFSZ, handler_);
    }
    NoFileGrows(const NoFileGrows&) = delete;
    NoFileGrows& operator=(const NoFileGrows&) = delete;

  private:
    rlimit before_{};
    void (*handler_)(int) = nullptr;
};

TEST(ActiveChain, AHeaderThatCouldNotBeStoredIsStoredBeforeItsBody) {
    const std::string folder =
        testing::TempDir() + "/cairn-active-chain-" + std::to_string(::getpid());
    ActiveChainKit kit;
    kit.store = store::Store::open(folder).value();
    kit.start();
    const auto blocks = kit.branch(kit.alice, 3);
    kit.give(blocks[0]);
    ASSERT_EQ(kit.tip(), hash_of(blocks[0]));
    {
        const NoFileGrows full;
        kit.give_header(blocks[1]);
        kit.loop.run();
    }
    EXPECT_FALSE(kit.chain->trouble().empty());
    kit.give(blocks[1]);
    kit.give(blocks[2]);
    kit.loop.advance_ms(kit.options.retry_ms);
    EXPECT_EQ(kit.tip(), hash_of(blocks[2]));
    EXPECT_EQ(kit.chain->trouble(), "");
    kit.start();
    EXPECT_EQ(kit.tip(), hash_of(blocks[2]));
    kit.chain.reset();
    kit.store.reset();
    std::filesystem::remove_all(folder);
}

TEST(ActiveChain, StandsWhereItStoodAfterARestart) {
    ActiveChainKit kit;
    const auto blocks = kit.branch(kit.alice, 6);
    for (const chain::Block& block : blocks) kit.give(block);
    const TipInfoPtr before = kit.chain->tip();
    kit.start();
    EXPECT_EQ(kit.tip(), hash_of(blocks[5]));
    EXPECT_EQ(kit.chain->tip()->state_root, before->state_root);
    EXPECT_EQ(kit.chain->tip()->rules, before->rules);
    EXPECT_EQ(kit.chain->tip()->supply, before->supply);
    EXPECT_EQ(kit.chain->active_at(3), kit.node(blocks[2]));
    Result<Bytes> body = not_found("no answer");
    kit.chain->read_block(hash_of(blocks[4]), [&](Result<Bytes> read) { body = std::move(read); });
    kit.loop.run();
    EXPECT_EQ(chain::decode_block(body.value()).value(), blocks[4]);
}

}  // namespace
}  // namespace cairn::node
