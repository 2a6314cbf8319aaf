// Proves that a chain's model is served from a merge block that lies deep enough in blocks, however
// many make a round, from the start on, and on a chain that stands still for long.
#include "node/served_model.h"

#include "node/test_active_chain.h"

#include <gtest/gtest.h>

namespace cairn::node {
namespace {

TEST(ServedModel, IsOfASettledMergeBlock) {
    chain::NetworkDefinition network = consensus::test_network();
    network.round_length = 6;
    network.reveal_depth = 2;
    ActiveChainKit kit(network);
    const auto height = [&] {
        const BlockNode* tip = kit.chain->tip()->node;
        return settled_merge(network, tip, tip->header.time_ms)->height;
    };
    EXPECT_EQ(height(), 0U);
    for (std::uint32_t tip = 1; tip <= 19; ++tip) {
        kit.give(kit.mine(kit.alice));
        EXPECT_EQ(height(), tip < 12 ? 0U : tip < 18 ? 6U : 12U) << tip;
    }
    network.reveal_depth = 14;
    network.round_length = 16;
    EXPECT_EQ(height(), 0U);
    kit.give(kit.mine(kit.alice));
    for (int more = 0; more < 10; ++more) kit.give(kit.mine(kit.alice));
    EXPECT_EQ(height(), 16U) << "14 blocks lie upon it";
}

TEST(ServedModel, SixBlocksLieUponItHoweverManyMakeARound) {
    for (const std::uint32_t round_length : {1U, 2U, 4U, 8U, 16U}) {
        chain::NetworkDefinition network = consensus::test_network();
        network.round_length = round_length;
        network.reveal_depth = 0;
        for (std::uint32_t tip = 0; tip < 50; ++tip) {
            const std::uint32_t height = settled_height(network, tip, 1'000'000, 1'000'000);
            EXPECT_EQ(height % round_length, 0U);
            EXPECT_LE(height, tip);
            if (height > 0) {
                EXPECT_GE(tip - height, 6U) << round_length;
            }
            EXPECT_LT(tip, height + 6 + round_length) << round_length;
        }
        // A block's time is its miner's to choose: that of a lone one may be as early as its
        // parent's, and a network's next two blocks often take a few spacings.
        const std::uint64_t dated = 1'000'000;
        EXPECT_FALSE(is_settled(network, 40, 40, dated, dated + 31 * network.spacing_ms));
        EXPECT_TRUE(is_settled(network, 40, 40, dated, dated + 32 * network.spacing_ms));
    }
}

TEST(ServedModel, OfAChainThatStandsStillNeedsNoBlocksUponIt) {
    chain::NetworkDefinition network = consensus::test_network();
    network.round_length = 6;
    ActiveChainKit kit(network);
    for (int i = 0; i < 6; ++i) kit.give(kit.mine(kit.alice));
    const BlockNode* tip = kit.chain->tip()->node;
    const std::uint64_t still_ms = std::uint64_t{kStillSpacings} * network.spacing_ms;
    EXPECT_EQ(settled_merge(network, tip, tip->header.time_ms + still_ms - 1)->height, 0U);
    EXPECT_EQ(settled_merge(network, tip, tip->header.time_ms + still_ms), tip);
}

}  // namespace
}  // namespace cairn::node
