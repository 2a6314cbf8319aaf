// Proves the rules that are plain arithmetic, at their edges: rounding, norms, worth, saturation,
// pay, fork choice.
#include <gtest/gtest.h>

#include <limits>

#include "chain/test_objects.h"
#include "consensus/contribution_rules.h"
#include "consensus/fork_choice.h"
#include "consensus/issuance.h"
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

TEST(MergeRules, MeanTimesOuterStep) {
    MergeSum sum(3);
    sum.add({3, -3, 100});
    sum.add({4, -4, 0});
    EXPECT_EQ(sum.merged(65536), (Delta{4, -4, 50}));
    EXPECT_EQ(sum.merged(32768), (Delta{2, -2, 25}));  // 1.75
    EXPECT_EQ(sum.merged(131072), (Delta{7, -7, 100}));
    sum.add({0, 0, 0});  // counts, though it sends nothing
    EXPECT_EQ(sum.merged(65536), (Delta{2, -2, 33}));
    sum.remove({0, 0, 0});
    EXPECT_EQ(sum.merged(65536), (Delta{4, -4, 50}));
}

TEST(MergeRules, ClampsToInt32) {
    constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();
    MergeSum sum(2);
    for (int i = 0; i < 1024; ++i) sum.add({kMax, -kMax - 1});
    EXPECT_EQ(sum.merged(65536), (Delta{kMax, -kMax}));
    EXPECT_EQ(sum.merged(1 << 18), (Delta{kMax, -kMax}));
}

TEST(MergeRules, LossMayStayButNotRise) {
    EXPECT_TRUE(check_joint_loss(0, 10, 10).is_valid());
    EXPECT_TRUE(check_joint_loss(0, 10, 9).is_valid());
    EXPECT_TRUE(check_joint_loss(0, 10, 11).is_invalid());
}

TEST(MergeRules, LossMayRiseByTheSlackAndNoMore) {
    EXPECT_TRUE(check_joint_loss(1024, 64'000, 65'000).is_valid());
    EXPECT_TRUE(check_joint_loss(1024, 64'000, 65'001).is_invalid());
    EXPECT_TRUE(check_joint_loss(1024, 63, 64).is_invalid());
    constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
    EXPECT_TRUE(check_joint_loss(65536, kMax / 2, kMax - 1).is_valid());
    EXPECT_TRUE(check_joint_loss(65536, 0, 1).is_invalid());
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

TEST(WorthRules, ScorePerNorm) {
    EXPECT_EQ(worth_of(1000, 10), 100u);
    EXPECT_EQ(worth_of(1009, 10), 100u);
    EXPECT_EQ(worth_of(-5, 10), 0u);
    EXPECT_EQ(worth_of(0, 10), 0u);
    EXPECT_EQ(worth_of(1000, 0), 0u);
    EXPECT_EQ(worth_of(kMax128, 1), 0x7fffffffffffffffu);
    EXPECT_EQ(worth_of(kMax128, std::numeric_limits<std::uint64_t>::max()), 0x7fffffffffffffffu);
}

TEST(WorthRules, Threshold) {
    EXPECT_EQ(worth_threshold(Rules{}, 0), 1u);
    EXPECT_EQ(worth_threshold(Rules{}, 31), 1u);
    EXPECT_EQ(worth_threshold(Rules{}, 32), 2u);
    EXPECT_TRUE(check_worth(Rules{}, 100, 2, 32).is_valid());
    EXPECT_TRUE(check_worth(Rules{}, 100, 1, 32).is_invalid());
    EXPECT_TRUE(check_worth(Rules{}, 0, 0, 1).is_invalid());
    EXPECT_NE(check_worth(Rules{}, -1, 0, 1).reason().find("negative"), std::string::npos);
}

TEST(WorthRules, NoveltyTakesOffWhatIsRepeated) {
    chain::NetworkDefinition network = test_network();
    network.novelty = true;
    const MergedJudgement merged{900, 100};
    // d = M brings nothing new; nor do 2M and M/2.
    EXPECT_EQ(novel_score(network, {900, 100, 10}, merged), 0);
    EXPECT_EQ(novel_score(network, {1800, 200, 20}, merged), 0);
    EXPECT_EQ(novel_score(network, {450, 50, 5}, merged), 0);
    // Orthogonal or opposite to M: all of it is new.
    EXPECT_EQ(novel_score(network, {900, 0, 10}, merged), 900);
    EXPECT_EQ(novel_score(network, {900, -50, 10}, merged), 900);
    // At this model M would raise the loss, so nothing is taken off for repeating it.
    EXPECT_EQ(novel_score(network, {900, 100, 10}, {-5, 100}), 900);
    // Floors: c = floor(2^32 / 3), c * 900 / 2^32 = 299.99... -> 299.
    EXPECT_EQ(novel_score(network, {900, 1, 10}, {900, 3}), 900 - 299);
    EXPECT_EQ(novel_score(network, {900, 100, 10}, {0, 0}), 900);
    network.novelty = false;
    EXPECT_EQ(novel_score(network, {900, 100, 10}, merged), 900);
}

TEST(WorthRules, NoveltySaturates) {
    chain::NetworkDefinition network = test_network();
    network.novelty = true;
    EXPECT_EQ(novel_score(network, {kMax128, 0, 1}, {kMax128, 1}), kMax128);
    // c saturates, and so does its product: 2^127 / 2^32 is taken off.
    EXPECT_EQ(novel_score(network, {0, kMax128, 1}, {kMax128, 1}), -(kMax128 >> 32));
    EXPECT_EQ(novel_score(network, {-kMax128, kMax128, 1}, {kMax128, 1}), -kMax128);
}

PaidContribution paid(std::uint8_t key, std::uint8_t carrier, std::uint64_t worth) {
    return {chain::filled<32>(key), chain::filled<32>(carrier), worth};
}

TEST(Issuance, UnitByWorth) {
    chain::NetworkDefinition network = test_network();
    network.subsidy_unit = 1000;
    network.carry_share = 0;
    const std::vector<PaidContribution> list = {paid(1, 9, 50), paid(2, 9, 100), paid(3, 9, 700)};
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
