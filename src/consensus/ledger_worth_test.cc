// Proves C5 to C8 and the miner's side by attack: flipped, scaled, zero, copied, late, stolen,
// changed and jointly harmful contributions are refused in a block or left out by assemble() with a
// reason, or earn nothing; and a merge block's steps are those that the rules demand.
#include <gtest/gtest.h>

#include <functional>

#include "consensus/exact_dot.h"
#include "consensus/merge_judge.h"
#include "consensus/merge_policy.h"
#include "consensus/second_opinion.h"
#include "consensus/test_chain.h"
#include "consensus/worth_rules.h"

namespace cairn::consensus {
namespace {

/// Without curvature each longer step is better.
constexpr chain::MergeSteps kBest{kOuterSteps, kPublicSteps};

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
        block.coinbase.steps = kBest;
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
    left_out(chain, {reveals[0]}, reveals[0], "raises the judge batch's loss");
    refused(chain, reveals[0], Rule::kC7, "raise the judge batch's loss");
    both(chain, reveals[1], Rule::kC5, "outside 250 to 2000");
    both(chain, reveals[2], Rule::kC5, "outside 250 to 2000");
    both(chain, reveals[3], Rule::kC5, "outside 250 to 2000");
}

TEST_F(LedgerWorth, LittleWorthIsLeftOutOrEarnsNothing) {
    Delta sideways = step(0, -1000);
    sideways[1] = 900;  // the loss hardly changes this way: slopes are 1000 and 1100
    const auto reveals =
        chain.commit_round(miner, {alice, bob, carol}, {step(0), step(1), sideways});
    left_out(chain, reveals, reveals[2], "the others lower the judge batch's loss further");
    chain.mine(miner, only(reveals));
    const ContributionReport* best = find(chain.report, reveals[1].commitment_id);
    EXPECT_EQ(best->reward, chain.network.subsidy_unit / 4 * 3);
}

TEST_F(LedgerWorth, LengthEarnsNothing) {
    const auto reveals = chain.commit_round(miner, {alice, bob, carol},
                                            {step(0, -1000), step(0, -2000), step(0, -250)});
    chain.mine(miner, only(reveals));
    for (const ContributionReport& report : chain.report.contributions) {
        EXPECT_EQ(report.weighed, chain.report.contributions[0].weighed);
        EXPECT_EQ(report.reward, chain.report.contributions[0].reward);
        EXPECT_EQ(report.weighed.weight, 65536U / 3) << "three copies are one";
        EXPECT_NEAR(static_cast<double>(report.reward),
                    static_cast<double>(chain.network.subsidy_unit) / 3 * 3 / 4, 2000);
    }
    EXPECT_EQ(chain.model.theta()[0], -2000);  // the longest step of the mean norm
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

TEST_F(LedgerWorth, ALateCopyInDisguiseEarnsNothing) {
    chain::NetworkDefinition network = test_network();
    network.novelty_rounds = 4;
    TestChain novel(network);
    for (TestChain* on : {&novel, &chain}) {
        on->mine(miner, only(on->commit_round(miner, {alice}, {step(0)})));
        on->mine(miner, only(on->commit_round(miner, {alice}, {step(1)})));
        Delta disguised = step(0, -700);  // another payload: a mixture of what was merged
        disguised[1] = -700;
        const auto reveals = on->commit_round(miner, {bob, carol}, {disguised, step(2)});
        on->mine(miner, only(reveals));
        const std::uint64_t copied = find(on->report, reveals[0].commitment_id)->reward;
        const std::uint64_t fresh = find(on->report, reveals[1].commitment_id)->reward;
        EXPECT_GT(fresh, 0u);
        EXPECT_EQ(copied > 0, on == &chain) << "without a window it earns as if it were new";
    }
}

TEST_F(LedgerWorth, StepsMustBeTheBestOfTheirNeighbours) {
    const auto reveals = chain.commit_round(miner, {alice, bob}, {step(0), step(1)});
    const chain::Block good = chain.assemble(only(reveals), miner);
    EXPECT_EQ(good.coinbase.steps, kBest);
    const auto with_steps = [&](chain::Block block, std::uint8_t outer, std::uint8_t open) {
        block.coinbase.steps = {outer, open};
        chain.seal(block);
        return chain.connect(block);
    };
    const auto broken = [](const Verdict& verdict) {
        return std::string(rule_name(verdict.rule())) + " " + verdict.reason();
    };
    EXPECT_NE(broken(with_steps(good, 14, 24)).find("C7 the outer step of 14"), std::string::npos);
    EXPECT_NE(broken(with_steps(good, 15, 23)).find("C7 the public step of 23"), std::string::npos);
    EXPECT_NE(broken(with_steps(good, 15, 0)).find("C7 the public step of 0"), std::string::npos);
    EXPECT_NE(broken(with_steps(good, 0, 24)).find("C2"), std::string::npos);
    EXPECT_NE(broken(with_steps(good, 16, 24)).find("C2"), std::string::npos);
    EXPECT_NE(broken(with_steps(good, 15, 25)).find("C2"), std::string::npos);
    EXPECT_NE(broken(with_steps(chain.assemble({}, miner), 15, 24)).find("C2"), std::string::npos);
    EXPECT_TRUE(with_steps(good, 15, 24).is_valid());
}

TEST_F(LedgerWorth, WhoeverHarmsTheOthersIsLeftOut) {
    const auto reveals =
        chain.commit_round(miner, {alice, bob, carol}, {step(0), step(1), step(2, 1000)});
    left_out(chain, reveals, reveals[2], "raises the judge batch's loss");
    EXPECT_EQ(chain.mine(miner, only(reveals)).contributions.size(), 2u);
}

TEST_F(LedgerWorth, ManyCheapKeysDoNotMakeCheapWorkTheMeasure) {
    std::vector<Person> people = {alice, bob};
    for (std::uint8_t i = 0; i < 6; ++i) people.emplace_back(static_cast<std::uint8_t>(20 + i));
    for (int round = 0; round < 8; ++round) {  // long enough for earlier medians to be forgotten
        std::vector<Delta> deltas = {step(0, -1000 - round), step(1, -1000 - round)};
        for (std::size_t i = 0; i < 6; ++i) {
            Delta sideways = step(i, -1000);  // worth a hundredth of an honest step
            sideways[i + 1] = 900 + round;
            deltas.push_back(sideways);
        }
        const auto reveals = chain.commit_round(miner, people, deltas);
        chain.mine(miner, only(reveals));
        for (std::size_t i = 0; i < people.size(); ++i) {
            const ContributionReport* report = find(chain.report, reveals[i].commitment_id);
            EXPECT_EQ(report != nullptr && report->reward > 0, i < 2)
                << "round " << round << ", key " << i;
        }
    }
}

// Contributions that only take the public step back are worth something behind it, and raise the
// loss all the same. Leaving them out one by one would take as many passes as there are.
TEST(LedgerWorthPasses, DoNotGrowWithTheNumberOfHarmfulContributions) {
    chain::NetworkDefinition network = test_network();
    network.norm_start = 100;
    network.max_contributions = 64;
    TestChain chain(network);
    chain.model.curvature = 21;  // the best public step goes 32 beyond: too far for parameter 0
    const Person miner(1);
    std::vector<Person> people;
    std::vector<Delta> deltas;
    for (std::uint8_t i = 0; i < 48; ++i) {
        people.emplace_back(static_cast<std::uint8_t>(10 + i));
        Delta back = step(0, 100);
        back[1] = i % 7;
        back[2] = i / 7;
        deltas.push_back(back);
    }
    const auto reveals = chain.commit_round(miner, people, deltas);
    Candidates all;
    all.contributions.assign(reveals.begin(), reveals.end());
    const int before = chain.model.questions;
    EXPECT_TRUE(chain.assemble(all, miner).contributions.empty());
    // 24 for the public step at most; then 6 passes of some losses and a gradient.
    EXPECT_LT(chain.model.questions - before, 60);
}

// One valley for each parameter. Whoever goes straight down it is worth something in the middle of
// the joint step, and nothing behind the step that anybody could take.
TEST(MergeJudgeTest, WhatAnybodyCouldDoIsWorthNothing) {
    FakeModel model;
    model.curvature = 1;
    const Delta down(8, -300);
    const MergeSet set{{Hash256{}}, [&](std::size_t) { return Result<Delta>(down); }};
    MergeJudge judge(model, JudgeKernels::kFast);
    judge.start(chain::filled<32>(5));
    const chain::MergeSteps steps = judge.find_steps(set).value();
    EXPECT_TRUE(check_steps(steps, judge.losses(set, steps).value()).is_valid());
    EXPECT_GT(steps.public_step, 0);
    EXPECT_GT(judge.shares(set, steps.outer_step).value()[0], 0);
    EXPECT_GT(judge.scores(set, {steps.outer_step, 0}).value()[0].share, 0);
    EXPECT_LE(judge.scores(set, steps).value()[0].share, 0);
}

// Twelve keys that send a little of the way down and much noise of their own are unlike each other,
// so they are most of the weight, and the middle; alone each goes down less than half as far.
TEST(MergePolicy, ThePoorGoHoweverManyTheyAre) {
    constexpr std::size_t kSize = 64, kPoor = 12, kOwn = 4;
    FakeModel model(kSize);
    std::vector<Delta> deltas(2, Delta(kSize, -1000));
    deltas[1][0] = -800;
    for (std::size_t key = 0; key < kPoor; ++key) {
        Delta poor(kSize, -300);
        for (std::size_t i = 0; i < kOwn; ++i) poor[key * kOwn + i] += i % 2 == 0 ? 3000 : -3000;
        deltas.push_back(poor);
    }
    MergeSet set;
    for (std::size_t i = 0; i < deltas.size(); ++i)
        set.ids.push_back(chain::filled<32>(static_cast<std::uint8_t>(i)));
    set.delta = [&](std::size_t i) {
        return Result<Delta>(at_mean_norm(deltas[i], norm(deltas[i]), 8000));
    };
    MergeJudge judge(model, JudgeKernels::kFast);
    judge.start(chain::filled<32>(5));
    EXPECT_EQ(choose_merge(judge, set).value().taken, (std::vector<std::size_t>{0, 1}));
}

TEST_F(LedgerWorth, AtMostRMaxTheBestOnes) {
    std::vector<Person> people;
    std::vector<Delta> deltas;
    for (std::uint8_t i = 0; i < 10; ++i) {
        people.emplace_back(static_cast<std::uint8_t>(10 + i));
        Delta delta(step(0).size(), -350);
        delta[i % 8] -= 4 * i;
        deltas.push_back(delta);
    }
    const auto reveals = chain.commit_round(miner, people, deltas);
    EXPECT_EQ(chain.mine(miner, only(reveals)).contributions.size(), 8u);
    Int128 worst_merged = Int128{1} << 100, best_left = 0;
    for (const ContributionReport& report : chain.report.contributions) {
        EXPECT_FALSE(report.reason.empty());
        worst_merged = std::min(worst_merged, report.score);
    }
    chain.disconnect();
    chain.assemble(only(reveals), miner);
    ASSERT_EQ(chain.report.contributions.size(), 10u);
    for (const ContributionReport& report : chain.report.contributions) {
        if (report.merged) continue;
        best_left = std::max(best_left, report.score);
        EXPECT_NE(report.reason.find("full"), std::string::npos);
    }
    EXPECT_TRUE(best_left <= worst_merged);
}

TEST_F(LedgerWorth, CarriersEarnWithTheirOwnContribution) {
    const auto reveals = chain.commit_round(alice, {alice, bob}, {step(0), step(1)});
    const chain::Block block = chain.mine(alice, only(reveals));  // alice carried and merges
    std::uint64_t alice_gets = 0, bob_gets = 0, earned = 0;
    for (const chain::Output& output : block.coinbase.outputs)
        (output.key == alice.key ? alice_gets : bob_gets) = output.amount;
    for (const ContributionReport& report : chain.report.contributions)
        earned += chain.network.subsidy_unit *
                  paid_part(report.weighed.worth, chain.report.worth_reference) /
                  chain.report.worth_reference;
    EXPECT_EQ(alice_gets + bob_gets, chain.report.minted);
    EXPECT_NEAR(static_cast<double>(chain.report.minted), static_cast<double>(earned), 4.0);
    EXPECT_GT(alice_gets, chain.report.contributions[0].reward);
    EXPECT_GT(bob_gets, 0u);
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
    const auto none = other.ledger.assemble(other.context(), only(reveals), miner.key,
                                            other.next_time_ms(), nullptr);
    EXPECT_EQ(none.error().code, ErrorCode::kIo);
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
    const auto with_long = [&](chain::Block& b) {
        b.contributions = {reveals[1]};
        b.coinbase.steps = kBest;
    };
    EXPECT_EQ(refuse(empty, with_long, &later).rule(), Rule::kC5);
    EXPECT_EQ(later, nullptr);
    EXPECT_EQ(chain.model.copies, 0);

    // C7 and C8 with contributions are left to be asked, and the answer is the first one.
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
    const Int128 gain = Int128{chain.model.slope(chain.ledger.tip())[0]} * (1 << 19) * 1000;
    chain.mine(miner, only(reveals));
    EXPECT_EQ(chain.report.contributions[0].weighed.worth,
              static_cast<std::uint64_t>(share_of_gain(gain, outer_factor(kOuterSteps), 1 << 16)));
}

}  // namespace
}  // namespace cairn::consensus
