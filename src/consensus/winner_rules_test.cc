// Proves the rules of networks of one winner a block: a block carries at most one contribution, by
// its own miner for its own place, which becomes part of the model as it is and earns the whole
// unit; a block may carry none; anything else is refused for what is wrong with it; and such blocks
// are taken back to the byte.
#include "consensus/winner_rules.h"

#include <gtest/gtest.h>

#include <functional>

#include "consensus/second_opinion.h"
#include "consensus/test_chain.h"

namespace cairn::consensus {
namespace {

chain::NetworkDefinition winner_network() {
    chain::NetworkDefinition network = test_network();
    network.round_length = 1;
    network.max_contributions = 1;
    network.paid_contributions = 1;
    network.carry_share = 0;
    CHECK(chain::validate(network).ok());
    return network;
}

class WinnerRules : public ::testing::Test {
  protected:
    WinnerPlace place(const Person& miner) const {
        return {chain.ledger.tip(), chain.next_height(), miner.key};
    }
    chain::Contribution made_by(const Person& person, const Delta& delta) {
        return winner_contribution(chain.network, chain.ledger.genesis_id(), place(person),
                                   FakeModel::payload_of(delta), person.secret, chain.random);
    }
    chain::Block mine(const Person& miner, const Delta& delta) {
        Candidates candidates;
        candidates.contributions = {made_by(miner, delta)};
        return chain.mine(miner, candidates);
    }
    /// A good block with a contribution, changed, sealed; refused without a trace.
    void refused_after(Rule rule, const std::string& reason,
                       const std::function<void(chain::Block&)>& change) {
        Candidates candidates;
        candidates.contributions = {made_by(alice, step(1, -900))};
        chain::Block block = chain.assemble(candidates, alice);
        ASSERT_EQ(block.contributions.size(), 1U);
        change(block);
        chain::sort_body(block);
        chain.seal(block);
        const Bytes before = chain.ledger.save();
        const Verdict verdict = chain.connect(block);
        EXPECT_TRUE(verdict.is_invalid()) << reason;
        EXPECT_EQ(rule_name(verdict.rule()), rule_name(rule)) << verdict.reason();
        EXPECT_NE(verdict.reason().find(reason), std::string::npos)
            << "expected: " << reason << "\n     got: " << verdict.reason();
        EXPECT_EQ(chain.ledger.save(), before);
    }

    TestChain chain{winner_network()};
    Person alice{2}, bob{3};
};

TEST_F(WinnerRules, TheModelMovesByTheDecodedUpdateAndItsMinerGetsTheUnit) {
    const Delta first = step(0, -700), second = step(3, 1200);
    mine(alice, first);
    EXPECT_EQ(chain.report.minted, chain.network.subsidy_unit);
    ASSERT_EQ(chain.report.contributions.size(), 1U);
    EXPECT_TRUE(chain.report.contributions[0].merged);
    EXPECT_EQ(chain.report.contributions[0].reward, chain.network.subsidy_unit);
    EXPECT_EQ(chain.report.steps, chain::MergeSteps{});
    // Neither scaled to the mean norm nor by a step, and though it raises the loss.
    const chain::Block block = mine(bob, second);
    ASSERT_EQ(block.coinbase.outputs.size(), 1U);
    EXPECT_EQ(block.coinbase.outputs[0].key, bob.key);
    EXPECT_EQ(block.coinbase.outputs[0].amount, chain.network.subsidy_unit);
    EXPECT_GT(chain.report.judge_loss_after, chain.report.judge_loss_before);
    EXPECT_EQ(chain.model.theta()[0], -700);
    EXPECT_EQ(chain.model.theta()[3], 1200);
    EXPECT_EQ(chain.ledger.rules().recent_rounds().size(), 2U);
    EXPECT_EQ(chain.ledger.rules().mean_norm(chain.network), (16 * 1000 + 700 + 1200) / 18);
    EXPECT_TRUE(chain.ledger.rules().open_commitments().empty());
    EXPECT_EQ(chain.ledger.rules().round_first_target(), 0U);
}

TEST_F(WinnerRules, UnitsHalveByBlocks) {
    chain::NetworkDefinition network = winner_network();
    network.halving_rounds = 2;
    TestChain halving(network);
    std::vector<std::uint64_t> minted;
    for (int i = 0; i < 5; ++i) {
        Candidates candidates;
        candidates.contributions = {winner_contribution(
            halving.network, halving.ledger.genesis_id(),
            {halving.ledger.tip(), halving.next_height(), alice.key},
            FakeModel::payload_of(step(0, -1000 - i)), alice.secret, halving.random)};
        halving.mine(alice, candidates);
        minted.push_back(halving.report.minted);
    }
    const std::uint64_t unit = network.subsidy_unit;
    EXPECT_EQ(minted, (std::vector{unit, unit, unit / 2, unit / 2, unit / 4}));
}

TEST_F(WinnerRules, ABlockMayCarryNothingAndMintsNothing) {
    const chain::Block block = chain.mine(alice);
    EXPECT_TRUE(block.coinbase.outputs.empty());
    EXPECT_EQ(chain.report.minted, 0U);
    EXPECT_EQ(chain.model.theta(), std::vector<std::int32_t>(8, 0));
    EXPECT_TRUE(chain.ledger.rules().recent_rounds().empty());
}

TEST_F(WinnerRules, OnlyTheBlocksOwnMinerContributes) {
    mine(alice, step(0));
    refused_after(Rule::kC5, "not made by this block's miner",
                  [&](chain::Block& block) { block.contributions = {made_by(bob, step(1))}; });
    // Nor can a thief put his own name to what another block carried: the id names its key.
    refused_after(Rule::kC5, "not made by this block's miner",
                  [&](chain::Block& block) { block.coinbase.miner = bob.key; });
    refused_after(Rule::kC5, "signature is not by", [&](chain::Block& block) {
        block.contributions = {winner_contribution(chain.network, chain.ledger.genesis_id(),
                                                   place(alice), FakeModel::payload_of(step(1)),
                                                   bob.secret, chain.random)};
    });
    // Of another parent, or another height.
    refused_after(Rule::kC5, "for this block's place", [&](chain::Block& block) {
        WinnerPlace other = place(alice);
        other.parent.bytes[0] ^= 1;
        block.contributions = {winner_contribution(chain.network, chain.ledger.genesis_id(), other,
                                                   FakeModel::payload_of(step(1)), alice.secret,
                                                   chain.random)};
    });
}

TEST_F(WinnerRules, NoSecondContributionNoCommitmentNoStep) {
    refused_after(Rule::kC2, "2 contributions; at most 1", [&](chain::Block& block) {
        block.contributions.push_back(made_by(alice, step(2)));
    });
    const Bytes payload = FakeModel::payload_of(step(2));
    const chain::Commitment commitment = chain.commit(bob, payload);
    refused_after(Rule::kC2, "commitments are not allowed",
                  [&](chain::Block& block) { block.commitments = {commitment}; });
    EXPECT_TRUE(chain.ledger.check_next(commitment, chain.context()).is_invalid());
    EXPECT_TRUE(chain.ledger.check_next(made_by(alice, step(2))).is_invalid());
    for (const chain::MergeSteps steps : {chain::MergeSteps{13, 0}, chain::MergeSteps{0, 1}})
        refused_after(Rule::kC2, "merged as it is",
                      [&](chain::Block& block) { block.coinbase.steps = steps; });
}

TEST_F(WinnerRules, CopiesAndOddNormsAreRefused) {
    const Bytes payload = mine(alice, step(0, -1000)).contributions[0].payload;
    refused_after(
        Rule::kC5, "copies a payload that was merged in round 0", [&](chain::Block& block) {
            block.contributions = {winner_contribution(chain.network, chain.ledger.genesis_id(),
                                                       place(alice), payload, alice.secret,
                                                       chain.random)};
        });
    for (const std::int32_t size : {-249, -2001, 0})
        refused_after(Rule::kC5, "its norm of", [&](chain::Block& block) {
            block.contributions = {made_by(alice, step(1, size))};
        });
    refused_after(Rule::kC5, "does not decode", [&](chain::Block& block) {
        block.contributions = {winner_contribution(chain.network, chain.ledger.genesis_id(),
                                                   place(alice), Bytes{1, 2, 3}, alice.secret,
                                                   chain.random)};
    });
    // A miner's template leaves such a one out and says why.
    Candidates candidates;
    candidates.contributions = {made_by(bob, step(1)), made_by(alice, step(1, -249)),
                                made_by(alice, step(2))};
    const chain::Block block = chain.assemble(candidates, alice);
    ASSERT_EQ(block.contributions.size(), 1U);
    EXPECT_EQ(block.contributions[0].commitment_id, made_by(alice, step(2)).commitment_id);
    ASSERT_EQ(chain.report.contributions.size(), 3U);
    EXPECT_TRUE(chain.report.contributions[0].merged);
    EXPECT_FALSE(chain.report.contributions[1].merged);
}

TEST_F(WinnerRules, TheCoinbaseGivesNeitherMoreNorToOthers) {
    refused_after(Rule::kC8, "does not pay what the rules give",
                  [](chain::Block& block) { block.coinbase.outputs[0].amount += 1; });
    refused_after(Rule::kC8, "does not pay what the rules give",
                  [&](chain::Block& block) { block.coinbase.outputs[0].key = bob.key; });
    refused_after(Rule::kC8, "state after the block",
                  [](chain::Block& block) { block.header.state_root.bytes[0] ^= 1; });
}

TEST_F(WinnerRules, NoKernelsAreAskedWhetherABlockIsValid) {
    chain.model.broken = true;  // every question about the judge batch fails
    mine(alice, step(0));
    EXPECT_FALSE(chain.report.judge_loss_before.has_value());
    refused_after(Rule::kC8, "does not pay",
                  [](chain::Block& block) { block.coinbase.outputs[0].amount += 1; });
    EXPECT_EQ(chain.model.copies, 0);  // no second opinion
}

TEST_F(WinnerRules, BlocksAreTakenBackToTheByte) {
    std::vector<Bytes> before;
    const std::vector<Delta> deltas{step(0), step(1, 500), {}, step(2, -1500), step(0, -800)};
    for (const Delta& delta : deltas) {
        before.push_back(chain.ledger.save());
        const Person& miner = before.size() % 2 == 0 ? alice : bob;
        if (delta.empty())
            chain.mine(miner);
        else
            mine(miner, delta);
    }
    const chain::Block last = chain.blocks.back();
    for (; !before.empty(); before.pop_back()) {
        chain.disconnect();
        EXPECT_EQ(chain.ledger.save(), before.back());
    }
    // Another branch from genesis on, in which the same payload of another place is another one.
    EXPECT_FALSE(chain.connect(last).is_valid());
    mine(bob, step(0));
}

}  // namespace
}  // namespace cairn::consensus
