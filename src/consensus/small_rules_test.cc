// Proves the rules that are plain arithmetic, at their edges: rounding, norms, worth, saturation,
// pay, fork choice.
#include <gtest/gtest.h>

#include <limits>

#include "chain/test_objects.h"
#include "consensus/contribution_rules.h"
#include "consensus/fork_choice.h"
#include "consensus/issuance.h"
#include "consensus/merge_policy.h"
#include "consensus/merge_rules.h"
#include "consensus/test_chain.h"
#include "consensus/worth_rules.h"

namespace cairn::consensus {
namespace {

constexpr Int128 kMax128 = ~(static_cast<Int128>(1) << 127);

TEST(MergeRules, RoundsHalvesAwayFromZero) {
    EXPECT_EQ(round_half_away(5, 2), 3);
    EXPECT_EQ(round_half_away(-5, 2), -3);
    EXPECT_EQ(round_half_away(4, 3), 1);
    EXPECT_EQ(round_half_away(-4, 3), -1);
    EXPECT_EQ(round_half_away(5, 3), 2);
    EXPECT_EQ(round_half_away(-5, 3), -2);
    EXPECT_EQ(round_half_away(0, 7), 0);
    EXPECT_EQ(round_half_away(1, 2), 1);
    EXPECT_EQ(round_half_away(-1, 2), -1);
    EXPECT_EQ(round_half_away(1, 3), 0);
    constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(round_half_away(kMax, 1), kMax);
    EXPECT_EQ(round_half_away(-kMax, 1), -kMax);
    EXPECT_EQ(round_half_away(-kMax - 1, 1), -kMax - 1);
    EXPECT_EQ(round_half_away(kMax, kMax), 1);
    EXPECT_EQ(round_half_away(kMax / 2, kMax), 0);
    EXPECT_EQ(round_half_away(kMax / 2 + 1, kMax), 1);
    EXPECT_EQ(round_half_away(kMax - 1, 2), kMax / 2);
    EXPECT_EQ(round_half_away(kMax, 2), kMax / 2 + 1);
}

TEST(MergeRules, LengthIsWorthNothing) {
    EXPECT_EQ(at_mean_norm({3, 4, 0}, 5, 5), (Delta{3, 4, 0}));
    EXPECT_EQ(at_mean_norm({6, -8, 1}, 10, 5), (Delta{3, -4, 1}));  // halves away from zero
    EXPECT_EQ(at_mean_norm({3, -4, 0}, 5, 20), (Delta{12, -16, 0}));
    EXPECT_EQ(at_mean_norm({3000, 0}, 3000, 1000), (Delta{1000, 0}));  // w = 21845
    EXPECT_EQ(at_mean_norm({2147483647, -2147483647}, 1, 4), (Delta{2147483647, -2147483647}));
}

TEST(MergeRules, OuterStepsAreAGrid) {
    EXPECT_EQ(outer_factor(1), 1024u);  // 1/64
    EXPECT_EQ(outer_factor(12), 46340u);
    EXPECT_EQ(outer_factor(13), 65536u);
    EXPECT_EQ(outer_factor(14), 92681u);
    EXPECT_EQ(outer_factor(15), 131072u);
}

constexpr std::uint32_t kWhole = 1U << 16;  // a weight

TEST(MergeRules, MeanTimesOuterStep) {
    MergeSum sum(3);
    sum.add({3, -3, 100}, kWhole);
    sum.add({4, -4, 0}, kWhole);
    EXPECT_EQ(sum.merged(13), (Delta{4, -4, 50}));
    EXPECT_EQ(sum.merged(11), (Delta{2, -2, 25}));  // 1.75
    EXPECT_EQ(sum.merged(15), (Delta{7, -7, 100}));
    sum.add({0, 0, 0}, kWhole);  // counts, though it sends nothing
    EXPECT_EQ(sum.merged(13), (Delta{2, -2, 33}));
}

// Four copies at a quarter each move the model as one does.
TEST(MergeRules, TheMeanIsByWeights) {
    MergeSum sum(2);
    sum.add({100, 0}, kWhole);
    for (int i = 0; i < 4; ++i) sum.add({0, 100}, kWhole / 4);
    EXPECT_EQ(sum.weight(), 2 * kWhole);
    EXPECT_EQ(sum.merged(13), (Delta{50, 50}));
    MergeSum rounded(3);  // the sum at first, halves away from zero
    rounded.add({3, -3, 1}, kWhole / 2);
    EXPECT_EQ(rounded.merged(13), (Delta{4, -4, 2}));
}

TEST(MergeRules, ClampsToInt32) {
    constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();
    MergeSum sum(2);
    for (int i = 0; i < 1024; ++i) sum.add({kMax, -kMax - 1}, kWhole);
    EXPECT_EQ(sum.merged(13), (Delta{kMax, -kMax}));
    EXPECT_EQ(sum.merged(15), (Delta{kMax, -kMax}));
}

TEST(MergeRules, ThePublicStepGoesAgainstTheSigns) {
    const Delta gradient = {5, -7, 0, 2147483647};
    EXPECT_EQ(against_signs(gradient, 0), Delta(4, 0));
    EXPECT_EQ(against_signs(gradient, 1), (Delta{-1, 1, 0, -1}));
    EXPECT_EQ(against_signs(gradient, 24), (Delta{-(1 << 23), 1 << 23, 0, -(1 << 23)}));
    // Half of D is rounded down, also below zero.
    EXPECT_EQ(middle({-8, 8, 0, 0}, {5, -5, 2147483647, -2147483647}),
              (Delta{-6, 5, 1073741823, -1073741824}));
}

TEST(MergeRules, NeighboursMustNotBeBetter) {
    const chain::MergeSteps steps{13, 5};
    const StepLosses good{.before = 100,
                          .outer = 90,
                          .outer_shorter = 90,
                          .outer_longer = 91,
                          .behind_public = 95,
                          .public_shorter = 95,
                          .public_longer = 99};
    EXPECT_TRUE(check_steps(steps, good).is_valid());
    StepLosses edge = good;  // at both ends of its grid a step has one neighbour
    edge.outer_shorter.reset();
    edge.public_longer.reset();
    EXPECT_TRUE(check_steps(steps, edge).is_valid());
    // Nothing is gained, but nothing is lost either: equal is allowed throughout.
    EXPECT_TRUE(check_steps(steps, {100, 100, 100, 100, 100, 100, 100}).is_valid());
    StepLosses bad = good;
    bad.outer_shorter = 89;
    EXPECT_NE(check_steps(steps, bad).reason().find("outer step of 13"), std::string::npos);
    bad = good;
    bad.outer_longer = 89;
    EXPECT_TRUE(check_steps(steps, bad).is_invalid());
    bad = good;
    bad.public_shorter = 94;
    EXPECT_NE(check_steps(steps, bad).reason().find("public step of 5"), std::string::npos);
    bad = good;
    bad.public_longer = 94;
    EXPECT_TRUE(check_steps(steps, bad).is_invalid());
    bad = good;
    bad.before = 89;
    EXPECT_NE(check_steps(steps, bad).reason().find("raise"), std::string::npos);
    bad = good;  // a valley high above, as there are where the model answers at random
    bad.behind_public = 101;
    bad.public_shorter = 102;
    bad.public_longer = 102;
    EXPECT_NE(check_steps(steps, bad).reason().find("public step of 5 raises"), std::string::npos);
}

TEST(ContributionRules, NormBounds) {
    EXPECT_TRUE(check_norm(Rules{}, 250, 1000).is_valid());
    EXPECT_TRUE(check_norm(Rules{}, 249, 1000).is_invalid());
    EXPECT_TRUE(check_norm(Rules{}, 2000, 1000).is_valid());
    EXPECT_TRUE(check_norm(Rules{}, 2001, 1000).is_invalid());
    EXPECT_TRUE(check_norm(Rules{}, 250, 1001).is_invalid());  // 4 * 250 < 1001
    EXPECT_TRUE(check_norm(Rules{}, 251, 1001).is_valid());
    constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
    EXPECT_TRUE(check_norm(Rules{}, kMax, kMax).is_valid());
    EXPECT_TRUE(check_norm(Rules{}, kMax, kMax / 2).is_invalid());
    EXPECT_TRUE(check_norm(Rules{}, 0, kMax).is_invalid());
    // The band's ends are the rule's, also where doubling or rounding up would leave 64 bits.
    for (const std::uint64_t mean : {std::uint64_t{4}, std::uint64_t{1001}, kMax / 2, kMax}) {
        const NormBand band = norm_band(Rules{}, mean);
        EXPECT_TRUE(check_norm(Rules{}, band.least, mean).is_valid()) << mean;
        EXPECT_TRUE(check_norm(Rules{}, band.least - 1, mean).is_invalid()) << mean;
        EXPECT_TRUE(check_norm(Rules{}, band.most, mean).is_valid()) << mean;
        if (band.most < kMax) {
            EXPECT_TRUE(check_norm(Rules{}, band.most + 1, mean).is_invalid()) << mean;
        }
    }
}

TEST(ContributionRules, APromiseIsKeptByThePayloadThatWasCommittedTo) {
    const Person alice{2}, bob{3};
    const Hash256 genesis = chain::filled<32>(9);
    SeededRandom random(1);
    chain::NetworkDefinition network = test_network();
    network.max_payload_bytes = 20;
    const auto why = [&](const Bytes& promised, const Bytes& payload, const Person& signer) {
        chain::Commitment commitment;
        commitment.key = alice.key;
        commitment.payload_commitment = chain::payload_commitment(alice.key, promised);
        chain::Contribution revealed{chain::commitment_id(commitment), payload, {}};
        revealed.signature =
            crypto::sign(signer.secret, chain::signature_hash(genesis, revealed), random);
        return check_promise(network, genesis, commitment, revealed).reason();
    };
    EXPECT_EQ(why(Bytes(20), Bytes(20), alice), "");
    EXPECT_EQ(why(Bytes(21), Bytes(21), alice), "its payload has more than 20 bytes (C2)");
    EXPECT_EQ(why(Bytes(20), Bytes(20, 1), alice),
              "its payload is not the one that was committed to (C5)");
    EXPECT_EQ(why(Bytes(20), Bytes(20), bob), "its signature is not by the commitment's key (C5)");
}

std::vector<WeighedShare> whole(std::initializer_list<std::int64_t> shares) {
    std::vector<WeighedShare> result;
    for (const std::int64_t share : shares) result.push_back({share, kWhole});
    return result;
}

TEST(MergePolicy, TheMiddleIsByWeights) {
    EXPECT_EQ(middle_share({}), 0);
    EXPECT_EQ(middle_share(whole({9, 1, 5})), 5);
    EXPECT_EQ(middle_share(whole({9, 1})), 9);
    EXPECT_EQ(
        middle_share({{1, kWhole / 3}, {1, kWhole / 3}, {1, kWhole / 3}, {9, kWhole}, {8, 9}}), 8);
    EXPECT_EQ(middle_share({{5, 0}}), 0);
}

TEST(MergePolicy, SmallHarmIsLetIn) {
    using Marks = std::vector<bool>;
    EXPECT_EQ(find_harmful(whole({8, 9, 10})), (Marks{false, false, false}));
    EXPECT_EQ(find_harmful(whole({-2, 9, 8})), (Marks{false, false, false}))
        << "a quarter of 8 is let in";
    EXPECT_EQ(find_harmful(whole({-3, 9, 8})), (Marks{true, false, false}));
    EXPECT_EQ(find_harmful(whole({9, -3, -5, -1, 8, 9, 9})),
              (Marks{false, true, true, false, false, false, false}));
    EXPECT_EQ(find_harmful(whole({-1, -2, 0})), (Marks{true, true, false}));
}

TEST(MergePolicy, TheLowestGo) {
    using Marks = std::vector<bool>;
    EXPECT_EQ(find_lowest(whole({9, 8, 10}), 2), (Marks{true, true, false}));
    EXPECT_EQ(find_lowest(whole({7, 7, 7}), 2), (Marks{true, true, false}));
    EXPECT_EQ(find_lowest(whole({8, 9}), 4), (Marks{true, true}));
}

TEST(MergePolicy, WhoStandsAgainstTheRestIsLeftOut) {
    using Marks = std::vector<bool>;
    EXPECT_EQ(find_opposed(whole({9, 8, -8})), (Marks{false, false, false}))
        << "as far as the middle one brings is let in";
    EXPECT_EQ(find_opposed(whole({9, -9, 8})), (Marks{false, true, false}));
    // Where most bring nothing, nobody stands against anybody.
    EXPECT_EQ(find_opposed(whole({9, -90, -8})), (Marks{false, false, false}));
    // Copies are one voice.
    EXPECT_EQ(
        find_opposed(
            {{-90, kWhole / 3}, {-90, kWhole / 3}, {-90, kWhole / 3}, {9, kWhole}, {8, kWhole}}),
        (Marks{true, true, true, false, false}));
    EXPECT_EQ(find_opposed({{5, 0}}), Marks{false}) << "no weights, no middle";
}

TEST(WorthRules, SharesOfTheGain) {
    constexpr Int128 kUnit = Int128{1} << 36;
    EXPECT_EQ(share_of_gain(kUnit, 65536, kWhole), 65536);
    EXPECT_EQ(share_of_gain(kUnit, 65536, 4 * kWhole), 16384);
    EXPECT_EQ(share_of_gain(kUnit, 65536, kWhole / 2), 131072);
    EXPECT_EQ(share_of_gain(kUnit - 1, 1, kWhole), 0);
    EXPECT_EQ(share_of_gain(-1, 1, kWhole), -1);  // floor
    EXPECT_EQ(share_of_gain(-kUnit, 3, kWhole), -3);
    EXPECT_EQ(share_of_gain(kMax128, 1 << 17, kWhole), 0x7fffffffffffffff);
    EXPECT_EQ(share_of_gain(-kMax128, 1 << 17, kWhole), -0x7fffffffffffffff);
}

std::uint64_t median(std::initializer_list<std::uint64_t> worths) {
    std::vector<WeighedWorth> weighed;
    for (const std::uint64_t worth : worths) weighed.push_back({worth, kWhole});
    return median_of(std::move(weighed));
}

TEST(WorthRules, TheReferenceIsTheWeightedMedianAndRemembersEarlierOnes) {
    constexpr std::uint64_t kMost = 0x7fffffffffffffff;
    EXPECT_EQ(median({}), 0u);
    EXPECT_EQ(median({0, 0}), 0u);
    EXPECT_EQ(median({5}), 5u);
    EXPECT_EQ(median({9, 5}), 9u);
    EXPECT_EQ(median({7, 9, 8}), 8u);
    EXPECT_EQ(median({9, 1, 5, 7}), 7u);
    EXPECT_EQ(median({4, 2, 2}), 4u);  // half of the gain exactly
    EXPECT_EQ(median({4, 2, 3}), 3u);
    EXPECT_EQ(median({10, 9, 8, 2, 2, 2, 1, 1, 1, 0, 0, 0}), 9u);  // many cheap keys
    // Twenty copies of what is worth 3 are one voice beside three that are worth more.
    std::vector<WeighedWorth> copies(20, {3, kWhole / 20});
    for (const std::uint64_t worth : {8U, 9U, 7U}) copies.push_back({worth, kWhole});
    EXPECT_EQ(median_of(copies), 8u);
    EXPECT_EQ(median_of(std::vector<WeighedWorth>(1024, {kMost, kWhole})), kMost);
    EXPECT_EQ(worth_reference(0, {}), 0u);
    EXPECT_EQ(worth_reference(70, {}), 70u);
    const std::vector<std::uint64_t> before = {100, 300};
    EXPECT_EQ(worth_reference(70, before), 70u);
    EXPECT_EQ(worth_reference(20, before), 50u);
    constexpr std::uint64_t kMax = ~std::uint64_t{0};
    EXPECT_EQ(worth_reference(0, std::vector(4, kMax)), kMax / 4);
}

TEST(WorthRules, PayRisesFromHalfOfTheReference) {
    EXPECT_EQ(paid_part(0, 100), 0u);
    EXPECT_EQ(paid_part(0, 0), 0u);
    EXPECT_EQ(paid_part(7, 0), 0u) << "where most bring nothing, nobody is paid";
    EXPECT_EQ(paid_part(50, 100), 0u);
    EXPECT_EQ(paid_part(51, 100), 2u);
    EXPECT_EQ(paid_part(99, 100), 98u);
    EXPECT_EQ(paid_part(100, 100), 100u);
    EXPECT_EQ(paid_part(5000, 100), 100u);
    constexpr std::uint64_t kMax = ~std::uint64_t{0};
    EXPECT_EQ(paid_part(kMax / 2, kMax), 0u);
    EXPECT_EQ(paid_part(kMax - 1, kMax), kMax - 2);
}

TEST(WorthRules, OnlyWhatIsOutsideOfRecentMergesIsNew) {
    const Delta gradient = {-30, -40, -50, 0};
    const Delta one = {100, 0, 0, 0}, two = {100, 100, 0, 0};
    const Repeated repeated({one, two}, gradient);
    const auto left = [&](const Delta& delta) {
        return static_cast<std::int64_t>(
            novel_score(first_order_gain(gradient, delta), repeated.score_of(delta)));
    };
    // Up to the ridge of 2^-20 and its floors, all of these repeat.
    for (const Delta& copy : {one, two, Delta{0, 100, 0, 0}, Delta{70, -20, 0, 0}})
        EXPECT_NEAR(static_cast<double>(left(copy)), 0, 2) << copy[0];
    EXPECT_EQ(left({0, 0, 100, 0}), 5000);
    EXPECT_NEAR(static_cast<double>(left({100, 100, 100, 0})), 5000, 2);
    // What goes against them is not paid for as if it were new.
    EXPECT_EQ(left({-100, 0, 0, 0}), -3000);
    // No merges, or one of nothing: all is new.
    EXPECT_EQ(Repeated({}, gradient).score_of(one), 0);
    EXPECT_EQ(Repeated({Delta(4, 0)}, gradient).score_of(one), 0);
    // The same merge twice leaves the equations solvable.
    const Repeated twice({one, one}, gradient);
    EXPECT_NEAR(static_cast<double>(twice.score_of(one)), 3000, 2);
}

TEST(WorthRules, NoveltySaturates) {
    EXPECT_EQ(novel_score(kMax128, 0), kMax128);
    EXPECT_EQ(novel_score(-kMax128, kMax128), -kMax128);
    constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();
    const Delta merge = {1, 0}, gradient = {-kMax, 0}, delta = {kMax, kMax};
    const Repeated repeated({merge}, gradient);
    EXPECT_GT(repeated.score_of(delta), 0);
}

PaidContribution paid(std::uint8_t key, std::uint8_t carrier, std::uint64_t worth) {
    return {chain::filled<32>(key), chain::filled<32>(carrier), {worth, kWhole}};
}

TEST(Issuance, UnitByWorth) {
    chain::NetworkDefinition network = test_network();
    network.subsidy_unit = 1000;
    network.carry_share = 0;
    const std::vector<PaidContribution> list = {paid(1, 9, 75), paid(2, 9, 100), paid(3, 9, 700)};
    const Pay pay = compute_pay(network, 4, chain::filled<32>(9), 5, list, 100);
    EXPECT_EQ(pay.rewards, (std::vector<std::uint64_t>{500, 1000, 1000}));
    EXPECT_EQ(pay.minted, 2500u);
    ASSERT_EQ(pay.outputs.size(), 4u);  // three contributors, and the miner's fees
    EXPECT_EQ(pay.outputs[3], (chain::Output{5, chain::OutputKind::kKey, chain::filled<32>(9)}));
}

TEST(Issuance, CarriersAreMintedOnlyIfTheyContribute) {
    chain::NetworkDefinition network = test_network();
    network.subsidy_unit = 1000;
    network.carry_share = 16384;  // a quarter
    const auto minted = [&](std::uint8_t carrier, std::uint8_t miner) {
        const std::vector<PaidContribution> list = {paid(1, carrier, 100), paid(2, carrier, 100)};
        return compute_pay(network, 4, chain::filled<32>(miner), 0, list, 100);
    };
    EXPECT_EQ(minted(8, 9).minted, 1500u);  // neither carrier nor merge miner contributes
    EXPECT_EQ(minted(1, 9).minted, 1750u);
    EXPECT_EQ(minted(8, 2).minted, 1750u);
    EXPECT_EQ(minted(1, 2).minted, 2000u);
    EXPECT_EQ(minted(1, 1).minted, 2000u);
    const Pay both = minted(1, 1);
    ASSERT_EQ(both.outputs.size(), 2u);
    EXPECT_EQ(both.outputs[0].amount, 750u + 500u);  // own, and all four halves
    EXPECT_EQ(both.outputs[1].amount, 750u);
}

TEST(Issuance, WhoContributesNothingOfWorthCarriesForNothing) {
    chain::NetworkDefinition network = test_network();
    network.subsidy_unit = 1000;
    network.carry_share = 16384;
    // Key 2 mined all blocks, and sent random bits to have a contribution in this one.
    std::vector<PaidContribution> list = {paid(1, 2, 100), paid(2, 2, 50)};
    EXPECT_EQ(compute_pay(network, 4, chain::filled<32>(2), 0, list, 100).minted, 750u);
    list[1].weighed.worth = 51;
    EXPECT_EQ(compute_pay(network, 4, chain::filled<32>(2), 0, list, 100).minted, 1000u + 19);
}

TEST(Issuance, BeyondPaidUnitsAreShared) {
    chain::NetworkDefinition network = test_network();
    network.subsidy_unit = 1000;
    network.carry_share = 0;
    network.paid_contributions = 4;
    std::vector<PaidContribution> list;
    for (std::uint8_t key = 1; key <= 6; ++key) list.push_back(paid(key, 9, 100));
    const Pay pay = compute_pay(network, 4, chain::filled<32>(9), 0, list, 100);
    EXPECT_EQ(pay.rewards[0], 666u);  // 4000 / 6
    EXPECT_EQ(pay.minted, 3996u);
}

TEST(Issuance, WhatEarnsNothingDilutesNobody) {
    chain::NetworkDefinition network = test_network();
    network.subsidy_unit = 1000;
    network.carry_share = 0;
    network.paid_contributions = 2;
    std::vector<PaidContribution> list = {paid(1, 9, 100), paid(2, 9, 100)};
    for (std::uint8_t key = 3; key <= 9; ++key) list.push_back(paid(key, 9, 50));
    const Pay pay = compute_pay(network, 4, chain::filled<32>(9), 0, list, 100);
    EXPECT_EQ(pay.rewards[0], 1000u);
    EXPECT_EQ(pay.minted, 2000u);
    EXPECT_EQ(pay.outputs.size(), 2u);
}

// One update under many keys earns what it earns under one, and dilutes by that much.
TEST(Issuance, CopiesEarnAsOneVoice) {
    chain::NetworkDefinition network = test_network();
    network.subsidy_unit = 1000;
    network.carry_share = 0;
    network.paid_contributions = 4;
    std::vector<PaidContribution> list = {paid(1, 9, 100)};
    for (std::uint8_t key = 2; key <= 9; ++key) {
        list.push_back(paid(key, 9, 100));
        list.back().weighed.weight = kWhole / 8;
    }
    Pay pay = compute_pay(network, 4, chain::filled<32>(9), 0, list, 100);
    EXPECT_EQ(pay.rewards[0], 1000u) << "nine keys, but two voices: nothing is shared";
    EXPECT_EQ(pay.rewards[8], 125u);
    EXPECT_EQ(pay.minted, 2000u);
    network.paid_contributions = 1;
    pay = compute_pay(network, 4, chain::filled<32>(9), 0, list, 100);
    EXPECT_EQ(pay.rewards[0], 500u);
    EXPECT_EQ(pay.minted, 500u + 8 * 62);
}

TEST(Issuance, HalvesAndEnds) {
    chain::NetworkDefinition network = test_network();
    network.subsidy_unit = 1000;
    network.halving_rounds = 10;
    EXPECT_EQ(unit_at(network, 9), 1000u);
    EXPECT_EQ(unit_at(network, 10), 500u);
    EXPECT_EQ(unit_at(network, 99), 1u);
    EXPECT_EQ(unit_at(network, 100), 0u);
    EXPECT_EQ(unit_at(network, 640), 0u);
    EXPECT_EQ(unit_at(network, 0xffffffff), 0u);
}

TEST(Issuance, LargestValuesDoNotOverflow) {
    chain::NetworkDefinition network = test_network();
    network.subsidy_unit = std::uint64_t{1} << 48;
    network.paid_contributions = 1024;
    constexpr std::uint64_t kWorth = 0x7fffffffffffffff;
    const std::vector<PaidContribution> list(1024, paid(1, 1, kWorth));
    const Pay pay = compute_pay(network, 4, chain::filled<32>(1), 0, list, kWorth);
    EXPECT_EQ(pay.minted, std::uint64_t{1} << 58);
}

TEST(Issuance, NothingMergedMintsNothing) {
    const Pay pay = compute_pay(test_network(), 4, chain::filled<32>(9), 0, {}, 100);
    EXPECT_EQ(pay.minted, 0u);
    EXPECT_TRUE(pay.outputs.empty());
}

TEST(ForkChoice, MostWorkThenFirstSeen) {
    const ChainWork little = add_work(ChainWork{}, 0x20800000);
    const ChainWork much = add_work(ChainWork{}, 0x1f010000);
    EXPECT_TRUE(is_better({much, 9}, {little, 1}));
    EXPECT_FALSE(is_better({little, 1}, {much, 9}));
    EXPECT_FALSE(is_better({much, 9}, {much, 8}));
    EXPECT_TRUE(is_better({much, 7}, {much, 8}));
}

}  // namespace
}  // namespace cairn::consensus
