// Proves that the pool takes what a next block could carry, lets early things wait, stays within
// its bounds, and gets back what a reorganisation takes out of the chain.
#include "node/mempool.h"

#include <gtest/gtest.h>

#include "consensus/test_chain.h"

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

    Person alice_{1};
    Person bob_{2};
    TestChain chain_;
};

TEST_F(MempoolTest, CommitmentsAndContributionsPassThrough) {
    Mempool pool = this->pool();
    const auto commitment = chain_.commit(alice_, payload());
    const auto contribution = chain_.reveal(alice_, commitment, payload());
    EXPECT_EQ(pool.add_contribution(contribution, *tip()).added, Added::kWaiting);
    EXPECT_EQ(pool.add_commitment(commitment, *tip()).added, Added::kNew);
    EXPECT_EQ(pool.add_commitment(commitment, *tip()).added, Added::kKnown);
    const auto second = chain_.commit(alice_, payload(-999));
    EXPECT_EQ(pool.add_commitment(second, *tip()).added, Added::kRefused);

    const auto changes = pool.on_tip(connected(chain_.mine(bob_, pool.candidates())));
    EXPECT_EQ(pool.commitments(), 0U);
    // What waited for its commitment is in the pool now, and worth telling.
    EXPECT_TRUE(pool.contains(ItemKind::kContribution, contribution.commitment_id));
    ASSERT_EQ(changes.fresh.size(), 1U);
    EXPECT_EQ(chain::decode_contribution(
                  pool.encoded(ItemKind::kContribution, contribution.commitment_id))
                  .value(),
              contribution);

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
    EXPECT_EQ(pool.add_contribution(contribution, *tip()).added, Added::kNew);
    chain_.mine_to_merge(bob_);
    const auto changes = pool.on_tip(connected(chain_.mine(bob_)));
    ASSERT_EQ(changes.left_out.size(), 1U);
    EXPECT_EQ(changes.left_out[0], contribution);
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
    EXPECT_EQ(pool.commitments(), 1U);
    EXPECT_EQ(changes.fresh.size(), 1U);
}

TEST_F(MempoolTest, EarlyCommitmentsWaitForTheirRound) {
    Mempool pool = this->pool();
    const auto other = chain_.mine(bob_);
    auto early = chain_.commit(alice_, payload());
    early.round = 1;
    chain_.restamp(early, alice_);
    EXPECT_EQ(pool.add_commitment(early, *tip()).added, Added::kWaiting);
    chain_.mine_to_merge(bob_);
    const auto changes = pool.on_tip(connected(chain_.mine(bob_)));
    EXPECT_EQ(changes.fresh.size(), 1U);
    EXPECT_EQ(pool.commitments(), 1U);
}

TEST_F(MempoolTest, PaymentsConflictAndConfirm) {
    Mempool pool = this->pool();
    const chain::OutPoint coin = chain_.earn(alice_);
    const auto first = chain_.pay(alice_, coin, bob_.key, 1'000, 10);
    const auto second = chain_.pay(alice_, coin, bob_.key, 2'000, 10);
    EXPECT_EQ(pool.add_payment(first).added, Added::kNew);
    EXPECT_EQ(pool.add_payment(first).added, Added::kKnown);
    EXPECT_TRUE(pool.spends(first.inputs[0]));
    EXPECT_FALSE(pool.spends({first.inputs[0].id, first.inputs[0].index + 1}));
    EXPECT_EQ(pool.add_payment(second).added, Added::kRefused);
    // The block takes the other one: ours can never confirm.
    consensus::Candidates candidates;
    candidates.payments = {second};
    pool.on_tip(connected(chain_.mine(bob_, candidates)));
    EXPECT_EQ(pool.payments(), 0U);
    EXPECT_FALSE(pool.spends(first.inputs[0]));
}

TEST_F(MempoolTest, IsBounded) {
    MempoolLimits limits;
    limits.max_waiting = 4;
    limits.max_payments = 1;
    Mempool pool = this->pool(limits);
    for (int i = 0; i < 10; ++i) {
        chain::Contribution unknown;
        unknown.commitment_id.bytes[0] = static_cast<std::uint8_t>(i);
        EXPECT_EQ(pool.add_contribution(unknown, *tip()).added, Added::kWaiting);
    }
    const chain::OutPoint coin = chain_.earn(alice_);
    EXPECT_EQ(pool.add_payment(chain_.pay(alice_, coin, bob_.key, 1'000, 10)).added, Added::kNew);
    chain::Payment other;
    other.inputs = {{{}, 7}};
    EXPECT_EQ(pool.add_payment(other).added, Added::kRefused);
}

}  // namespace
}  // namespace cairn::node
