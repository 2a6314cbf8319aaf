// Proves C5 to C8 and the miner's side by attack: flipped, scaled, zero, copied, late, stolen,
// changed and jointly harmful contributions are refused in a block, left out by assemble() with a
// reason, and never paid.
#include <gtest/gtest.h>

#include <functional>

#include "consensus/second_opinion.h"
#include "consensus/test_chain.h"
#include "consensus/worth_rules.h"

namespace cairn::consensus {
namespace {

class LedgerWorth : public ::testing::Test {
  protected:
    /// assemble() leaves the contribution out, saying `reason`.
    void left_out(TestChain& on, const std::vector<chain::Contribution>& candidates,
                  const chain::Contribution& bad, const std::string& reason) {
        Candidates all;
        all.contributions.assign(candidates.begin(), candidates.end());
        const chain::Block block = on.assemble(all, miner);
        for (const chain::Contribution& taken : block.contributions) EXPECT_NE(taken, bad);
        const ContributionReport* report = find(on.report, bad.commitment_id);
        ASSERT_NE(report, nullptr);
        EXPECT_FALSE(report->merged);
        EXPECT_EQ(report->reward, 0u);
        EXPECT_NE(report->reason.find(reason), std::string::npos)
            << "expected: " << reason << "\n     got: " << report->reason;
    }
    /// A block that carries it nevertheless is refused by this rule, with the same reason.
    void refused(TestChain& on, const chain::Contribution& bad, Rule rule,
                 const std::string& reason) {
        chain::Block block = on.assemble({}, miner);
        block.contributions = {bad};
        on.seal(block);
        const Bytes before = on.ledger.save();
        const Verdict verdict = on.connect(block);
        EXPECT_TRUE(verdict.is_invalid());
        EXPECT_EQ(rule_name(verdict.rule()), rule_name(rule)) << reason;
        EXPECT_NE(verdict.reason().find(reason), std::string::npos)
            << "expected: " << reason << "\n     got: " << verdict.reason();
        EXPECT_EQ(on.ledger.save(), before);
    }
    void both(TestChain& on, const chain::Contribution& bad, Rule rule, const std::string& reason) {
        left_out(on, {bad}, bad, reason);
        refused(on, bad, rule, reason);
    }
    static const ContributionReport* find(const BlockReport& report, const Hash256& id) {
        for (const ContributionReport& contribution : report.contributions) {
            if (contribution.commitment_id == id) return &contribution;
        }
        return nullptr;
    }
    static Candidates only(const std::vector<chain::Contribution>& contributions) {
        Candidates candidates;
        candidates.contributions.assign(contributions.begin(), contributions.end());
        return candidates;
    }

    TestChain chain;
    Person miner{1}, alice{2}, bob{3}, carol{4};
};

TEST_F(LedgerWorth, FlippedScaledZeroTiny) {
    const auto reveals =
        chain.commit_round(miner, {alice, bob, carol, miner},
                           {step(0, 1000), step(0, -2001), Delta(8, 0), step(0, -249)});
    both(chain, reveals[0], Rule::kC6, "its score is negative");
    both(chain, reveals[1], Rule::kC5, "outside 250 to 2000");
    both(chain, reveals[2], Rule::kC5, "outside 250 to 2000");
    both(chain, reveals[3], Rule::kC5, "outside 250 to 2000");
}

TEST_F(LedgerWorth, TooLittleWorth) {
    Delta sideways = step(0, -1000);
    sideways[1] = 900;  // the loss hardly changes this way: slopes are 1000 and 1100
    const auto reveals = chain.commit_round(miner, {alice}, {sideways});
    both(chain, reveals[0], Rule::kC6, "below the threshold of 125");
}

TEST_F(LedgerWorth, ScalingUpEarnsNothing) {
    const auto reveals = chain.commit_round(miner, {alice, bob}, {step(0, -1000), step(0, -2000)});
    chain.mine(miner, only(reveals));
    EXPECT_EQ(chain.report.contributions[0].worth, chain.report.contributions[1].worth);
    EXPECT_EQ(chain.report.contributions[0].reward, chain.report.contributions[1].reward);
}

TEST_F(LedgerWorth, PayloadsMustBeThoseCommitted) {
    auto reveals = chain.commit_round(miner, {alice, bob}, {step(0), step(1)});
    chain::Contribution changed = reveals[0];
    changed.payload.back() ^= 1;
    both(chain, changed, Rule::kC5, "not the one that was committed to");
    chain::Contribution swapped = reveals[0];
    swapped.payload = reveals[1].payload;
    both(chain, swapped, Rule::kC5, "not the one that was committed to");
    chain::Contribution forged = reveals[0];
    forged.signature = reveals[1].signature;
    both(chain, forged, Rule::kC5, "not by the commitment's key");
    chain::Contribution unknown = reveals[0];
    unknown.commitment_id.bytes[0] ^= 1;
    both(chain, unknown, Rule::kC5, "was not carried in this round");
}

TEST_F(LedgerWorth, MalformedPayloads) {
    chain.mine_to_round(miner);
    const Bytes payload = {1, 2, 3};
    const chain::Commitment commitment = chain.commit(alice, payload);
    Candidates candidates;
    candidates.commitments = {commitment};
    chain.mine(miner, candidates);
    chain.mine_to_merge(miner);
    both(chain, chain.reveal(alice, commitment, payload), Rule::kC5, "does not decode");
}

TEST_F(LedgerWorth, LateRevealsAreLost) {
    const auto reveals = chain.commit_round(miner, {alice}, {step(0)});
    chain.mine(miner);           // the merge block goes without it
    chain.mine_to_merge(miner);  // a round later
    both(chain, reveals[0], Rule::kC5, "was not carried in this round");
    // Committed again it may be merged: the payload never was.
    const auto again = chain.commit_round(miner, {alice}, {step(0)});
    EXPECT_EQ(chain.mine(miner, only(again)).contributions.size(), 1u);
}

TEST_F(LedgerWorth, ReplayedPayloadsOfRecentRounds) {
    chain.mine(miner, only(chain.commit_round(miner, {alice}, {step(0)})));
    const auto stolen = chain.commit_round(miner, {bob}, {step(0)});
    both(chain, stolen[0], Rule::kC5, "copies a payload that was merged in round 0");
    // After the window of three merged rounds it may come again.
    chain.mine(miner);
    for (std::size_t i = 1; i <= 3; ++i)
        chain.mine(miner, only(chain.commit_round(miner, {alice}, {step(i)})));
    const auto later = chain.commit_round(miner, {bob}, {step(0)});
    EXPECT_EQ(chain.mine(miner, only(later)).contributions.size(), 1u);
}

TEST_F(LedgerWorth, CopiesInOneRound) {
    const auto reveals = chain.commit_round(miner, {alice, bob}, {step(0), step(0)});
    const chain::Block block = chain.assemble(only(reveals), miner);
    EXPECT_EQ(block.contributions.size(), 1u);
    chain::Block doubled = block;
    doubled.contributions.assign(reveals.begin(), reveals.end());
    chain::sort_body(doubled);
    chain.seal(doubled);
    EXPECT_NE(chain.connect(doubled).reason().find("the same payload"), std::string::npos);
}

TEST_F(LedgerWorth, NoveltyRefusesALateCopyInDisguise) {
    chain::NetworkDefinition network = test_network();
    network.novelty = true;
    TestChain novel(network);
    novel.mine(miner, only(novel.commit_round(miner, {alice}, {step(0)})));
    Delta disguised = step(0, -1001);  // another payload, the same direction
    const auto copies = novel.commit_round(miner, {bob, carol}, {disguised, step(1)});
    left_out(novel, copies, copies[0], "threshold");
    refused(novel, copies[0], Rule::kC6, "threshold");
    EXPECT_EQ(novel.mine(miner, only(copies)).contributions.size(), 1u);  // carol's is new
    // Without novelty the copy would have earned like the original.
    chain.mine(miner, only(chain.commit_round(miner, {alice}, {step(0)})));
    const auto paid = chain.commit_round(miner, {bob}, {disguised});
    EXPECT_EQ(chain.mine(miner, only(paid)).contributions.size(), 1u);
}

TEST_F(LedgerWorth, TogetherTheLossMustNotRise) {
    // A steep valley: every score is positive, yet long steps cross to the other side.
    chain::NetworkDefinition network = test_network();
    network.outer_step = 131072;
    network.loss_slack = 0;
    TestChain steep(network);
    steep.model.curvature = 1;
    const auto reveals = steep.commit_round(miner, {alice, bob}, {step(0, -1500), step(7, -300)});
    // Together they reach -1500 on a slope whose bottom is at -500, and -300 of -850.
    left_out(steep, reveals, reveals[0], "would raise the judge batch's loss");
    Candidates all = only(reveals);
    chain::Block good = steep.assemble(all, miner);
    ASSERT_EQ(good.contributions.size(), 1u);
    EXPECT_EQ(good.contributions[0], reveals[1]);
    chain::Block bad = good;
    bad.contributions.assign(reveals.begin(), reveals.end());
    chain::sort_body(bad);
    steep.seal(bad);
    EXPECT_NE(steep.connect(bad).reason().find("together"), std::string::npos);
    steep.seal(good);
    EXPECT_TRUE(steep.connect(good).is_valid());
}

TEST_F(LedgerWorth, AtMostRMaxTheBestOnes) {
    std::vector<Person> people;
    std::vector<Delta> deltas;
    for (std::uint8_t i = 0; i < 10; ++i) {
        people.emplace_back(static_cast<std::uint8_t>(10 + i));
        Delta delta = step(i % 8);
        delta[(i + 1) % 8] = -i;
        deltas.push_back(delta);
    }
    const auto reveals = chain.commit_round(miner, people, deltas);
    EXPECT_EQ(chain.mine(miner, only(reveals)).contributions.size(), 8u);
    std::uint64_t worst_merged = ~0ull, best_left = 0;
    for (const ContributionReport& report : chain.report.contributions) {
        EXPECT_FALSE(report.reason.empty());
        worst_merged = std::min(worst_merged, report.worth);
    }
    chain.disconnect();
    chain.assemble(only(reveals), miner);
    ASSERT_EQ(chain.report.contributions.size(), 10u);
    for (const ContributionReport& report : chain.report.contributions) {
        if (report.merged) continue;
        best_left = std::max(best_left, report.worth);
        EXPECT_NE(report.reason.find("full"), std::string::npos);
    }
    EXPECT_LE(best_left, worst_merged);
}

TEST_F(LedgerWorth, CarriersEarnWithTheirOwnContribution) {
    const auto reveals = chain.commit_round(alice, {alice, bob}, {step(0), step(1)});
    const chain::Block block = chain.mine(alice, only(reveals));  // alice carried and merges
    std::uint64_t alice_gets = 0, bob_gets = 0, earned = 0;
    for (const chain::Output& output : block.coinbase.outputs)
        (output.key == alice.key ? alice_gets : bob_gets) = output.amount;
    for (const ContributionReport& report : chain.report.contributions)
        earned += chain.network.subsidy_unit * report.worth / 2000;
    EXPECT_EQ(alice_gets + bob_gets, chain.report.minted);
    EXPECT_NEAR(static_cast<double>(chain.report.minted), static_cast<double>(earned), 4.0);
    EXPECT_GT(alice_gets, bob_gets);
}

TEST_F(LedgerWorth, InflationInAMergeBlock) {
    const auto reveals = chain.commit_round(miner, {alice, bob}, {step(0), step(1)});
    const chain::Block good = chain.assemble(only(reveals), miner);
    const std::function<void(chain::Block&)> lies[] = {
        [](chain::Block& b) { b.coinbase.outputs[0].amount += 1; },
        [](chain::Block& b) { b.coinbase.outputs[1].amount -= 1; },
        [](chain::Block& b) { b.coinbase.outputs.pop_back(); },
        [&](chain::Block& b) { b.coinbase.outputs[0].key = miner.key; },
        [](chain::Block& b) { b.coinbase.outputs.clear(); },
    };
    for (const auto& lie : lies) {
        chain::Block block = good;
        lie(block);
        chain::sort_body(block);
        chain.seal(block);
        EXPECT_NE(chain.connect(block).reason().find("coinbase does not pay"), std::string::npos);
    }
    chain::Block block = good;
    block.header.state_root.bytes[0] ^= 1;
    chain.seal(block);
    const Bytes before = chain.ledger.save();
    EXPECT_NE(chain.connect(block).reason().find("state after the block"), std::string::npos);
    EXPECT_EQ(chain.ledger.save(), before);
    block = good;
    chain.seal(block);
    EXPECT_TRUE(chain.connect(block).is_valid());
}

TEST_F(LedgerWorth, OurOwnFailureIsUndecided) {
    const auto reveals = chain.commit_round(miner, {alice}, {step(0)});
    chain::Block block = chain.assemble(only(reveals), miner);
    chain.seal(block);
    TestChain other;
    for (const chain::Block& earlier : chain.blocks) ASSERT_TRUE(other.connect(earlier).is_valid());
    other.model.broken = true;
    EXPECT_TRUE(other.connect(block).is_undecided());
    const chain::Block empty = other.assemble(only(reveals), miner);  // mining goes on without
    EXPECT_TRUE(empty.contributions.empty());
    other.model.broken = false;
    EXPECT_TRUE(other.connect(block).is_valid());
}

TEST_F(LedgerWorth, KernelsThatDisagreeStopUsInsteadOfSplittingTheNetwork) {
    const auto reveals = chain.commit_round(miner, {alice}, {step(0)});
    chain::Block block = chain.assemble(only(reveals), miner);
    chain.seal(block);
    TestChain other;
    for (const chain::Block& earlier : chain.blocks) ASSERT_TRUE(other.connect(earlier).is_valid());
    other.model.fast_kernels_lie = true;
    const Bytes before = other.ledger.save();
    const Verdict verdict = other.connect(block);
    EXPECT_TRUE(verdict.is_undecided());
    EXPECT_NE(other.report.disagreement.find("reference kernels say \"valid\""), std::string::npos);
    EXPECT_EQ(other.ledger.save(), before);
    other.model.fast_kernels_lie = false;
    EXPECT_TRUE(other.connect(block).is_valid());
}

TEST_F(LedgerWorth, OnlyWhatRestsOnKernelsIsAskedAgain) {
    // Sealed once more after the change, which makes it invalid.
    const auto refuse = [this](chain::Block block, const std::function<void(chain::Block&)>& lie,
                               std::unique_ptr<SecondOpinion>* later) {
        lie(block);
        chain.seal(block);
        return chain.ledger.connect(block, chain.context(), block.header.time_ms, nullptr, nullptr,
                                    later);
    };
    const auto other_root = [](chain::Block& b) { b.header.state_root.bytes[0] ^= 1; };
    const auto other_pay = [](chain::Block& b) {
        b.coinbase.outputs = {{1, chain::OutputKind::kKey, b.coinbase.miner}};
    };
    const auto reveals =
        chain.commit_round(miner, {alice, bob, carol}, {step(0), step(0, -2001), step(0, 1000)});
    // Neither a merge block without contributions, nor a signature or a norm.
    const chain::Block empty = chain.assemble({}, miner);
    std::unique_ptr<SecondOpinion> later;
    const int asked = chain.model.questions;
    EXPECT_EQ(refuse(empty, other_root, &later).rule(), Rule::kC8);
    EXPECT_EQ(refuse(empty, other_pay, &later).rule(), Rule::kC8);
    EXPECT_EQ(chain.model.questions, asked);
    const auto with_long = [&](chain::Block& b) { b.contributions = {reveals[1]}; };
    EXPECT_EQ(refuse(empty, with_long, &later).rule(), Rule::kC5);
    EXPECT_EQ(later, nullptr);
    EXPECT_EQ(chain.model.copies, 0);

    // C6 and C8 with contributions are left to be asked, and the answer is the first one.
    const chain::Block full = chain.assemble(only({reveals[0]}), miner);
    const auto with_flipped = [&](chain::Block& b) { b.contributions = {reveals[2]}; };
    for (const auto& lie : {std::function<void(chain::Block&)>(other_root),
                            std::function<void(chain::Block&)>(other_pay),
                            std::function<void(chain::Block&)>(with_flipped)}) {
        const Bytes before = chain.ledger.save();
        EXPECT_TRUE(refuse(full, lie, &later).is_undecided());
        ASSERT_NE(later, nullptr);
        const SecondOpinion::Answer answer = later->ask();
        EXPECT_TRUE(answer.verdict.is_invalid()) << answer.verdict.reason();
        EXPECT_EQ(answer.disagreement, "");
        EXPECT_EQ(refuse(full, lie, nullptr).reason(), answer.verdict.reason());
        EXPECT_EQ(chain.ledger.save(), before);
    }
}

TEST_F(LedgerWorth, AWrongWorthBehindACoinbaseIsADisagreement) {
    // The others' block is right; we, who see another worth, call its coinbase wrong.
    const auto reveals = chain.commit_round(miner, {alice}, {step(0)});
    chain::Block block = chain.assemble(only(reveals), miner);
    chain.seal(block);
    chain.model.fast_kernels_halve = true;
    ASSERT_TRUE(chain.ledger.load(chain.ledger.save()).ok());  // forgets what it computed
    EXPECT_TRUE(chain.connect(block).is_undecided());
    EXPECT_NE(chain.report.disagreement.find("and not"), std::string::npos)
        << chain.report.disagreement;
}

TEST_F(LedgerWorth, AnswersAreRemembered) {
    const auto reveals = chain.commit_round(miner, {alice, bob}, {step(0), step(1)});
    chain::Block block = chain.assemble(only(reveals), miner);
    const int asked = chain.model.questions;
    EXPECT_GT(asked, 0);
    chain.assemble(only(reveals), miner);
    chain.seal(block);
    EXPECT_TRUE(chain.connect(block).is_valid());
    EXPECT_EQ(chain.model.questions, asked);
}

TEST_F(LedgerWorth, TheJudgeBatchIsDrawnByTheBlockBefore) {
    EXPECT_EQ(judge_seed(chain::filled<32>(3)), chain::filled<32>(3));
    const auto reveals = chain.commit_round(miner, {alice}, {step(0)});
    const std::int64_t slope = chain.model.slope(chain.ledger.tip())[0];
    chain.mine(miner, only(reveals));
    EXPECT_EQ(chain.report.contributions[0].worth, static_cast<std::uint64_t>(slope));
}

}  // namespace
}  // namespace cairn::consensus
