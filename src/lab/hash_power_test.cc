// Proves that the formulas give the figures that their authors published, that the attack played
// out agrees with Rosenfeld's, and what the difficulty rule does when miners leave.
#include "lab/hash_power.h"

#include <cmath>

#include <gtest/gtest.h>

namespace cairn::lab {
namespace {

TEST(HashPower, NakamotosTable) {
    EXPECT_NEAR(nakamoto_overtakes(0.1, 0), 1.0, 1e-7);
    EXPECT_NEAR(nakamoto_overtakes(0.1, 1), 0.2045873, 1e-7);
    EXPECT_NEAR(nakamoto_overtakes(0.1, 2), 0.0509779, 1e-7);
    EXPECT_NEAR(nakamoto_overtakes(0.1, 5), 0.0009137, 1e-7);
    EXPECT_NEAR(nakamoto_overtakes(0.1, 10), 0.0000012, 1e-7);
    EXPECT_NEAR(nakamoto_overtakes(0.3, 5), 0.1773523, 1e-7);
    EXPECT_NEAR(nakamoto_overtakes(0.3, 10), 0.0416605, 1e-7);
    EXPECT_EQ(nakamoto_overtakes(0.5, 100), 1.0);
}

TEST(HashPower, RosenfeldsTable) {
    EXPECT_NEAR(rosenfeld_overtakes(0.1, 1), 0.2, 1e-5);
    EXPECT_NEAR(rosenfeld_overtakes(0.1, 2), 0.056, 1e-5);
    EXPECT_NEAR(rosenfeld_overtakes(0.1, 6), 0.00059, 1e-5);
    EXPECT_NEAR(rosenfeld_overtakes(0.3, 1), 0.6, 1e-5);
    EXPECT_NEAR(rosenfeld_overtakes(0.3, 2), 0.432, 1e-5);
    EXPECT_NEAR(rosenfeld_overtakes(0.3, 6), 0.15645, 1e-5);
    EXPECT_EQ(rosenfeld_overtakes(0.6, 100), 1.0);
}

TEST(HashPower, PlayedOutItIsWhatRosenfeldSays) {
    SeededRandom random(1);
    constexpr unsigned kTrials = 20'000;
    for (const double share : {0.1, 0.3, 0.45}) {
        for (const unsigned blocks : {1U, 4U, 10U}) {
            const double said = rosenfeld_overtakes(share, blocks);
            const double deviation = std::sqrt(said * (1 - said) / kTrials);
            EXPECT_NEAR(played_overtakes(share, blocks, kTrials, random), said,
                        5 * deviation + 1e-4)
                << share << " " << blocks;
        }
    }
}

TEST(HashPower, WhereNobodyLeavesNothingHasToRecover) {
    SeededRandom random(1);
    const Recovery same = recovery(chain::NetworkDefinition{}, 1e6, 1e6, 10, random);
    EXPECT_EQ(same.blocks, 0);
}

// The first block takes as much longer as those who left were faster. While blocks take more than
// ten spacings each eases the target by 2^(9 spacings / halflife), below that by less, so all of
// them together take ten times as long as the first, and more of them than that alone would need.
TEST(HashPower, AfterAThousandfoldTheChainIsSlowForTenTimesItsFirstBlock) {
    SeededRandom random(1);
    const chain::NetworkDefinition network;  // 2 s, halflife 120 s
    const Recovery after = recovery(network, 1e9, 1e6, 200, random);
    EXPECT_NEAR(after.first_block_s, 2000, 500);
    EXPECT_NEAR(after.seconds, 2000 * 10.1, 4000);
    EXPECT_GT(after.blocks, std::log2(500) / 0.15);
    EXPECT_LT(after.blocks, 2 * std::log2(500) / 0.15);
}

TEST(HashPower, EasyHeadersCostTenBlocksAndAllThatFollowNothing) {
    const chain::NetworkDefinition network;
    const double block = 0x1p20;
    const CheapBranch branch = cheap_branch(network, block, 114);
    EXPECT_NEAR(branch.hashes / block, 1 / (1 - std::exp2(-0.15)), 0.1);
    EXPECT_NEAR(branch.next_hashes, block * std::exp2(-0.15 * 114), 1);
    EXPECT_EQ(branch.age_s, 2280);
}

}  // namespace
}  // namespace cairn::lab
