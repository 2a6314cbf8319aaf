// Proves that each invariant notices the fault that it is there for: memory that changed behind
// the program's back, a pool or a store that was left behind, limits that do not hold.
#include "node/invariants.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"
#include "node/invariant_watch.h"
#include "node/test_active_chain.h"

namespace cairn::node {
namespace {

/// What a fault of memory does: writes where the program would not.
template <typename T>
T& spoil(const T& value) {
    return const_cast<T&>(value);
}

/// A node's chain after a round that merged something and one more block, and its pool.
class InvariantsTest : public testing::Test {
  protected:
    InvariantsTest() : pool_(kit_.others.network, kit_.chain->genesis_id(), limits_) {
        const auto contributions =
            kit_.others.commit_round(kit_.alice, {kit_.alice}, {consensus::step(0)});
        consensus::Candidates candidates;
        candidates.contributions.assign(contributions.begin(), contributions.end());
        kit_.mine(kit_.alice, candidates);
        kit_.mine(kit_.bob);
        for (const chain::Block& block : kit_.others.blocks) kit_.give(block);
        CHECK(tip()->height == 5);
    }

    LoopView view() const { return {*kit_.chain, pool_, peers_, reads_, limits_, sync_}; }
    BlockNode* tip() const { return &spoil(*kit_.chain->tip()->node); }
    BlockNode* at(std::uint32_t height) const { return &spoil(*kit_.chain->active_at(height)); }
    template <typename Look>
    auto state(Look look) const {
        return kit_.chain->lane().inspect(look);
    }
    std::string ledger_breach() const {
        const Status held =
            state([](const ChainState& state) { return check_ledger(state, true); });
        return held.ok() ? "" : held.error().message.substr(0, held.error().message.find(':'));
    }
    std::string loop_breach() const {
        const Status held = check_loop(view());
        return held.ok() ? "" : held.error().message.substr(0, held.error().message.find(':'));
    }

    ActiveChainKit kit_;
    MempoolLimits limits_;
    SyncOptions sync_;
    PeerTable peers_;
    PeerReads reads_;
    Mempool pool_;
};

TEST_F(InvariantsTest, HoldOnASoundNode) {
    EXPECT_EQ(loop_breach(), "");
    EXPECT_EQ(ledger_breach(), "");
}

TEST_F(InvariantsTest, I1NoticesATipThatIsNotSound) {
    tip()->connected = false;
    EXPECT_EQ(loop_breach(), "I1");
    tip()->connected = true;
    spoil(*kit_.chain->tip()).state_root.bytes[0] ^= 1;
    EXPECT_EQ(loop_breach(), "I1");
}

TEST_F(InvariantsTest, I2NoticesThatMoreWorkIsNotFollowed) {
    const chain::Block better = kit_.mine(kit_.bob);
    kit_.give_header(better);
    EXPECT_EQ(loop_breach(), "");  // its body is not here
    spoil(kit_.chain->tree()).set_body(&spoil(*kit_.node(better)));
    EXPECT_EQ(loop_breach(), "I2");
}

TEST_F(InvariantsTest, I3NoticesABlockThatWasNeverValid) {
    at(2)->connected = false;
    EXPECT_EQ(loop_breach(), "I3");
}

TEST_F(InvariantsTest, I4NoticesWorkThatNobodyDid) {
    const chain::Block next = kit_.mine(kit_.bob);
    kit_.give_header(next);
    auto* node = &spoil(*kit_.node(next));
    const auto work = node->work;
    node->work = tip()->work;
    EXPECT_EQ(loop_breach(), "I4");
    node->work = work;
    EXPECT_EQ(loop_breach(), "");
    node->height = 9;
    EXPECT_EQ(loop_breach(), "I4");
}

TEST_F(InvariantsTest, I5NoticesAPoolThatWasNotToldOfATip) {
    kit_.others.mine_to_round(kit_.alice);
    for (const chain::Block& block : kit_.others.blocks)
        if (!kit_.node(block)) kit_.give(block);
    const auto commitment =
        kit_.others.commit(kit_.bob, consensus::FakeModel::payload_of(consensus::step(1)));
    ASSERT_EQ(pool_.add_commitment(make_item(commitment), *kit_.chain->tip()).added,
              Mempool::Added::kNew);
    EXPECT_EQ(loop_breach(), "");
    consensus::Candidates candidates;
    candidates.commitments = {commitment};
    kit_.give(kit_.mine(kit_.alice, candidates));
    EXPECT_EQ(loop_breach(), "I5");
}

TEST_F(InvariantsTest, I6NoticesWhatOutgrowsItsLimit) {
    Peer& peer = peers_[1];
    for (std::size_t i = 0; i < sync_.max_blocks_per_peer; ++i)
        peer.bodies_asked[crypto::sha256d(as_bytes(std::to_string(i)))] = {1};
    EXPECT_EQ(loop_breach(), "");
    peer.bodies_asked[Hash256{}] = {1};
    EXPECT_EQ(loop_breach(), "I6");
    peer.bodies_asked.clear();
    const PeerReadLimits right = reads_.limits();
    for (std::size_t i = 0; i <= right.at_once; ++i)
        reads_.add({1, [](const std::function<void()>&) {}, [] {}});
    EXPECT_EQ(loop_breach(), "");
    for (const PeerReadLimits& passed :
         {PeerReadLimits{right.at_once - 1, right.waiting, right.per_peer},
          PeerReadLimits{right.at_once, 0, right.per_peer},
          PeerReadLimits{right.at_once, right.waiting, right.at_once}}) {
        spoil(reads_.limits()) = passed;
        EXPECT_EQ(loop_breach(), "I6");
    }
}

TEST_F(InvariantsTest, I7NoticesACoinThatIsGone) {
    state([](const ChainState& state) {
        auto& coins = spoil(state.ledger().coins());
        ASSERT_GT(coins.size(), 0U);
        coins.remove(coins.all().begin()->first);
    });
    EXPECT_EQ(ledger_breach(), "I7");
}

TEST_F(InvariantsTest, I8NoticesAnAmountThatChanged) {
    state([](const ChainState& state) {
        auto& [outpoint, coin] = *spoil(state.ledger().coins().all()).begin();
        coin.output.amount ^= 1;
    });
    EXPECT_EQ(ledger_breach(), "I8");
}

TEST_F(InvariantsTest, I9NoticesACoinWhoseHashIsNotItsOwn) {
    state([](const ChainState& state) {
        auto& [outpoint, coin] = *spoil(state.ledger().coins().all()).begin();
        coin.coinbase = !coin.coinbase;
        const Status cheap = check_ledger(state, false);
        EXPECT_TRUE(cheap.ok());
    });
    EXPECT_EQ(ledger_breach(), "I9");
}

TEST_F(InvariantsTest, I10NoticesARoundThatNeverEnds) {
    const Status held = state([](const ChainState& state) {
        spoil(state.ledger().rules()).start_round(Hash256{}, 0);
        return check_round(state);
    });
    ASSERT_FALSE(held.ok());
    EXPECT_TRUE(held.error().message.starts_with("I10")) << held.error().message;
}

TEST_F(InvariantsTest, I11NoticesAStoreThatWasLeftBehind) {
    store::TipChange back;
    back.disconnected = {tip()->hash};
    back.tip = {tip()->parent->hash, tip()->height - 1};
    ASSERT_TRUE(kit_.store->advance_tip(back).ok());
    EXPECT_EQ(ledger_breach(), "I11");
}

TEST(MostMinted, IsAFullUnitForEveryPaidContributionOfEveryRound) {
    chain::NetworkDefinition network = consensus::test_network();
    network.subsidy_unit = 100;
    network.halving_rounds = 2;
    network.paid_contributions = 4;
    ASSERT_EQ(network.round_length, 4U);
    EXPECT_EQ(most_minted(network, 3), 0U);
    EXPECT_EQ(most_minted(network, 4), 400U);
    EXPECT_EQ(most_minted(network, 11), 800U);
    EXPECT_EQ(most_minted(network, 16), 1'200U);
    EXPECT_EQ(most_minted(network, 4'000'000), 4U * 2 * (100 + 50 + 25 + 12 + 6 + 3 + 1));
}

TEST_F(InvariantsTest, TheWatchSaysABreachOnceAndOnlyWhenItIsDue) {
    std::vector<std::string> said;
    InvariantWatch watch(spoil(kit_.chain->lane()), view(), {.every_blocks = 6},
                         [&](const std::string& breach) { said.push_back(breach); });
    at(2)->connected = false;
    watch.on_tip();
    EXPECT_TRUE(said.empty());  // height 5
    kit_.give(kit_.mine(kit_.bob));
    watch.on_tip();
    kit_.loop.run();
    ASSERT_EQ(said.size(), 1U);
    EXPECT_NE(said[0].find("I3"), std::string::npos);
    for (int i = 0; i < 8; ++i) kit_.give(kit_.mine(kit_.bob));
    watch.on_tip();
    kit_.loop.run();
    EXPECT_EQ(said.size(), 1U);
}

// The loop stands still meanwhile, so the time must not grow with the chain.
TEST_F(InvariantsTest, TheWatchLooksAtTheChainOnceAndThenAtWhatIsNew) {
    std::vector<std::string> said;
    InvariantWatch watch(spoil(kit_.chain->lane()), view(), {.every_blocks = 6},
                         [&](const std::string& breach) { said.push_back(breach); });
    watch.on_start();
    kit_.loop.run();
    ASSERT_TRUE(said.empty());
    // So whoever looks at any header below that one says so.
    const std::uint32_t old_height = tip()->height - 1;
    for (std::uint32_t height = 1; height <= old_height; ++height) {
        at(height)->has_body = false;
        at(height)->connected = false;
    }
    const auto mine_six = [&] {
        for (int i = 0; i < 6; ++i) kit_.give(kit_.mine(kit_.bob));
        watch.on_tip();
        kit_.loop.run();
    };
    mine_six();
    EXPECT_TRUE(said.empty()) << said[0];
    EXPECT_EQ(loop_breach(), "I3") << "the whole check sees it";
    at(tip()->height - 1)->has_body = false;  // it was looked at
    kit_.give(kit_.mine(kit_.bob));
    tip()->has_body = false;  // and this one was not
    mine_six();
    ASSERT_EQ(said.size(), 1U);
    EXPECT_NE(said[0].find("I4"), std::string::npos) << said[0];
}

TEST_F(InvariantsTest, AnotherBranchIsLookedAtFromWhereItLeaves) {
    LookedAt looked_at;
    EXPECT_TRUE(check_loop(view(), &looked_at).ok());
    EXPECT_EQ(looked_at.tip, tip());
    EXPECT_EQ(looked_at.headers, kit_.chain->tree().in_order().size());
    const BlockNode* old_tip = tip();
    kit_.take_back(1);
    for (const chain::Block& block : kit_.branch(kit_.alice, 2)) kit_.give(block);
    ASSERT_NE(tip()->parent, old_tip);
    at(5)->connected = false;
    LookedAt again = looked_at;
    const Status held = check_loop(view(), &again);
    ASSERT_FALSE(held.ok());
    EXPECT_TRUE(held.error().message.starts_with("I3")) << held.error().message;
    EXPECT_EQ(again.tip, old_tip) << "it is looked at again";
    at(5)->connected = true;
    EXPECT_TRUE(check_loop(view(), &looked_at).ok());
    EXPECT_EQ(looked_at.tip, tip());
}

// As when a newcomer has fetched all headers and judges the first blocks.
TEST_F(InvariantsTest, ManyNewHeadersAreLookedAtInParts) {
    LookedAt looked_at;
    EXPECT_TRUE(check_tree(view(), &looked_at).ok());
    const std::size_t before = looked_at.headers;
    auto& tree = spoil(kit_.chain->tree());
    for (std::size_t i = 0; i < kMaxNewHeaders + 10; ++i) {
        chain::BlockHeader header = tip()->header;
        header.nonce += i + 1;
        tree.add(header);
    }
    EXPECT_TRUE(check_tree(view(), &looked_at).ok());
    EXPECT_EQ(looked_at.headers, before + kMaxNewHeaders);
    EXPECT_TRUE(check_tree(view(), &looked_at).ok());
    EXPECT_EQ(looked_at.headers, tree.in_order().size());
}

}  // namespace
}  // namespace cairn::node
