// Proves that the pool takes what a next block could carry, lets early things wait, stays within
// its bounds, and gets back what a reorganisation takes out of the chain.
#include "node/mempool.h"

#include <gtest/gtest.h>

#include "consensus/test_chain.h"
#include "node/network_presets.h"

namespace cairn::node {
namespace {

using consensus::Person;
using consensus::TestChain;
using Added = Mempool::Added;

class MempoolTest : public testing::Test {
  protected:
    std::shared_ptr<TipInfo> tip() {
        auto info = std::make_shared<TipInfo>();
        info->rules = chain_.ledger.rules();
        info->next = chain_.context();
        return info;
    }
    SwitchOutcome connected(const chain::Block& block) {
        SwitchOutcome outcome;
        outcome.tip = tip();
        outcome.connected.push_back({nullptr, std::make_shared<const chain::Block>(block), {}});
        return outcome;
    }
    Bytes payload(std::int32_t size = -1000) const {
        return consensus::FakeModel::payload_of(consensus::step(0, size));
    }
    Mempool pool(MempoolLimits limits = {}) {
        return Mempool(chain_.network, chain_.ledger.genesis_id(), limits);
    }
    /// As the relay does, but for decoding.
    Mempool::Outcome add(Mempool& pool, const chain::Contribution& contribution,
                         Source source = kOurselves) {
        const ItemPtr item = make_item(contribution);
        const auto screened = pool.screen(item, *tip(), source);
        return screened ? *screened : pool.add_checked(item, *tip());
    }
    /// What the relay does with payloads that waited.
    std::size_t take(Mempool& pool, const Mempool::Changes& changes) {
        std::size_t taken = 0;
        for (const auto& waiting : changes.due)
            taken += add(pool, waiting.item->contribution()).added == Added::kNew;
        return taken;
    }

    Person alice_{1};
    Person bob_{2};
    TestChain chain_;
};

// There a contribution comes with its block: what comes alone costs room and is of no use.
TEST_F(MempoolTest, WhereBlocksHaveOneWinnerNothingComesBeforeItsBlock) {
    const auto commitment = chain_.commit(alice_, payload());
    const auto contribution = chain_.reveal(alice_, commitment, payload());
    chain::Commitment ahead = commitment;
    ahead.round += 1;
    chain::NetworkDefinition network = chain_.network;
    set_one_winner(network);
    Mempool pool(network, chain_.ledger.genesis_id(), {});
    EXPECT_EQ(pool.add_commitment(make_item(commitment), *tip()).added, Added::kRefused);
    EXPECT_EQ(pool.add_commitment(make_item(ahead), *tip()).added, Added::kRefused);
    EXPECT_EQ(add(pool, contribution).added, Added::kRefused);
    EXPECT_TRUE(pool.all().empty());
}

TEST_F(MempoolTest, CommitmentsAndContributionsPassThrough) {
    Mempool pool = this->pool();
    const auto commitment = chain_.commit(alice_, payload());
    const auto contribution = chain_.reveal(alice_, commitment, payload());
    EXPECT_EQ(add(pool, contribution).added, Added::kWaiting);
    EXPECT_EQ(pool.add_commitment(make_item(commitment), *tip()).added, Added::kNew);
    EXPECT_EQ(pool.add_commitment(make_item(commitment), *tip()).added, Added::kKnown);
    const auto second = chain_.commit(alice_, payload(-999));
    EXPECT_EQ(pool.add_commitment(make_item(second), *tip()).added, Added::kRefused);

    const auto changes = pool.on_tip(connected(chain_.mine(bob_, pool.candidates())));
    EXPECT_EQ(pool.commitments().size(), 0U);
    // What waited for its commitment can be judged now.
    EXPECT_EQ(take(pool, changes), 1U);
    const ItemPtr here = pool.find(ItemKind::kContribution, contribution.commitment_id);
    ASSERT_TRUE(here);
    EXPECT_EQ(here->contribution(), contribution);
    EXPECT_EQ(here->encoded(), chain::encode(contribution));
    // The template has the very same object.
    EXPECT_EQ(&*pool.candidates().contributions.at(0), &here->contribution());

    chain_.mine_to_merge(bob_);
    const chain::Block merge = chain_.mine(bob_, pool.candidates());
    ASSERT_EQ(merge.contributions.size(), 1U);
    EXPECT_TRUE(pool.on_tip(connected(merge)).left_out.empty());
    EXPECT_TRUE(pool.contributions().empty());
}

TEST_F(MempoolTest, SaysWhatAMergeBlockLeftOut) {
    Mempool pool = this->pool();
    const auto commitment = chain_.commit(alice_, payload());
    consensus::Candidates candidates;
    candidates.commitments = {commitment};
    chain_.mine(bob_, candidates);
    const auto contribution = chain_.reveal(alice_, commitment, payload());
    EXPECT_EQ(add(pool, contribution).added, Added::kNew);
    chain_.mine_to_merge(bob_);
    const auto changes = pool.on_tip(connected(chain_.mine(bob_)));
    ASSERT_EQ(changes.left_out.size(), 1U);
    EXPECT_EQ(changes.left_out[0]->contribution(), contribution);
}

TEST_F(MempoolTest, AReorganisationGivesBack) {
    Mempool pool = this->pool();
    consensus::Candidates candidates;
    candidates.commitments = {chain_.commit(alice_, payload())};
    const chain::Block block = chain_.mine(bob_, candidates);
    chain_.disconnect();
    SwitchOutcome outcome;
    outcome.tip = tip();
    outcome.disconnected.push_back(std::make_shared<const chain::Block>(block));
    const auto changes = pool.on_tip(outcome);
    EXPECT_EQ(pool.commitments().size(), 1U);
    EXPECT_EQ(changes.fresh.size(), 1U);
}

TEST_F(MempoolTest, EarlyCommitmentsWaitForTheirRound) {
    Mempool pool = this->pool();
    chain_.mine_to_merge(bob_);
    const auto before = tip();
    const chain::Block merge = chain_.mine(bob_);
    // Whoever has the merge block already can commit on top of it.
    const auto early = chain_.commit(alice_, payload());
    EXPECT_EQ(pool.add_commitment(make_item(early), *before).added, Added::kWaiting);
    const auto changes = pool.on_tip(connected(merge));
    ASSERT_EQ(changes.due.size(), 1U);
    EXPECT_EQ(pool.waiting().size(), 0U);
    EXPECT_EQ(pool.add_commitment(changes.due[0].item, *tip()).added, Added::kNew);
}

TEST_F(MempoolTest, PaymentsConflictAndConfirm) {
    Mempool pool = this->pool();
    const chain::OutPoint coin = chain_.earn(alice_);
    const auto first = chain_.pay(alice_, coin, bob_.key, 1'000, 10);
    const auto second = chain_.pay(alice_, coin, bob_.key, 2'000, 10);
    EXPECT_EQ(pool.add_payment(make_item(first), 1'000).added, Added::kNew);
    EXPECT_EQ(pool.add_payment(make_item(first), 1'000).added, Added::kKnown);
    EXPECT_TRUE(pool.spends(first.inputs[0]));
    EXPECT_FALSE(pool.spends({first.inputs[0].id, first.inputs[0].index + 1}));
    EXPECT_EQ(pool.add_payment(make_item(second), 1'000).added, Added::kRefused);
    // The block takes the other one: ours can never confirm.
    consensus::Candidates candidates;
    candidates.payments = {second};
    pool.on_tip(connected(chain_.mine(bob_, candidates)));
    EXPECT_EQ(pool.payments().size(), 0U);
    EXPECT_FALSE(pool.spends(first.inputs[0]));
}

TEST_F(MempoolTest, OnlyThePromisedPayloadWaitsForAPooledCommitment) {
    MempoolLimits limits;
    limits.waiting.max_items = 4;
    Mempool pool = this->pool(limits);
    const auto commitment = chain_.commit(alice_, payload());
    const auto contribution = chain_.reveal(alice_, commitment, payload());
    ASSERT_EQ(pool.add_commitment(make_item(commitment), *tip()).added, Added::kNew);
    EXPECT_EQ(add(pool, chain_.reveal(alice_, commitment, payload(-999)), 7).added,
              Added::kRefused);
    EXPECT_EQ(add(pool, chain_.reveal(bob_, commitment, payload()), 7).added, Added::kRefused);
    EXPECT_EQ(add(pool, contribution, 1).added, Added::kWaiting);
    // However much comes that no commitment promised, from however many.
    for (int i = 0; i < 100; ++i) {
        chain::Contribution unknown;
        unknown.commitment_id.bytes[0] = static_cast<std::uint8_t>(i);
        EXPECT_EQ(add(pool, unknown, static_cast<Source>(2 + i % 50)).added, Added::kWaiting);
    }
    EXPECT_EQ(pool.waiting().size(), 4U);
    EXPECT_EQ(take(pool, pool.on_tip(connected(chain_.mine(bob_, pool.candidates())))), 1U);
}

TEST_F(MempoolTest, WhatWaitedForARoundThatIsOverGoes) {
    Mempool pool = this->pool();
    chain::Contribution unknown;
    EXPECT_EQ(add(pool, unknown).added, Added::kWaiting);
    for (std::uint32_t i = 0; i <= chain_.network.round_length; ++i) {
        EXPECT_EQ(pool.waiting().size(), 1U);
        pool.on_tip(connected(chain_.mine(bob_)));
    }
    EXPECT_EQ(pool.waiting().size(), 0U);
}

// Whoever fills the room first has no more of it than his part of the commitments.
TEST_F(MempoolTest, TheRoomForPayloadsIsNotForTheFirst) {
    std::vector<Person> people;
    for (std::uint8_t i = 1; i <= 8; ++i) people.emplace_back(i);
    const std::vector<consensus::Delta> deltas{
        consensus::step(0), consensus::step(1), consensus::step(2), consensus::step(3),
        consensus::step(4), consensus::step(5), consensus::step(6), consensus::step(7)};
    const auto reveals = chain_.commit_round(bob_, people, deltas);
    MempoolLimits limits;
    limits.max_payload_bytes = 4 * reveals[0].payload.size();
    int stayed = 0;
    constexpr int kSalts = 50;
    for (int salt = 0; salt < kSalts; ++salt) {
        Mempool pool(chain_.network, chain_.ledger.genesis_id(), limits,
                     static_cast<std::uint64_t>(salt));
        for (const auto& reveal : reveals) add(pool, reveal);
        EXPECT_EQ(pool.contributions().size(), 4U);
        EXPECT_EQ(pool.payload_bytes(), limits.max_payload_bytes);
        stayed += pool.contains(ItemKind::kContribution, reveals.back().commitment_id);
    }
    EXPECT_GT(stayed, kSalts / 4);
    EXPECT_LT(stayed, kSalts * 3 / 4);
}

TEST_F(MempoolTest, IsBounded) {
    MempoolLimits limits;
    limits.waiting.max_items = 4;
    Mempool pool = this->pool(limits);
    for (int i = 0; i < 10; ++i) {
        chain::Contribution unknown;
        unknown.commitment_id.bytes[0] = static_cast<std::uint8_t>(i);
        EXPECT_EQ(add(pool, unknown).added, Added::kWaiting);
    }
    EXPECT_EQ(pool.waiting().size(), 4U);
}

// The time to close a channel ends with a block that says nothing of it.
TEST_F(MempoolTest, ClosesAreJudgedAgainWithEachBlock) {
    Mempool pool = this->pool();
    chain::Payment close;
    close.form = chain::PaymentForm::kClose;
    close.inputs = {{chain::filled<32>(1), 0}};
    close.outputs = {{5, chain::OutputKind::kKey, bob_.key}};
    close.signatures.resize(2);
    chain::Payment plain = close;
    plain.form = chain::PaymentForm::kPlain;
    plain.inputs[0].index = 1;
    plain.signatures.resize(1);
    for (const chain::Payment& payment : {close, plain})
        ASSERT_EQ(pool.add_payment(make_item(payment), 1'000).added, Added::kNew);
    const auto changes = pool.on_tip(connected(chain_.mine(bob_)));
    ASSERT_EQ(changes.recheck.size(), 1U);
    EXPECT_EQ(changes.recheck[0]->payment(), close);
}

}  // namespace
}  // namespace cairn::node
