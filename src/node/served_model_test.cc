// Proves that a chain's model is served from a merge block that lies deep enough, from the start
// on, and on a chain that stands still.
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
    const auto height = [&]() -> std::optional<std::uint32_t> {
        const BlockNode* tip = kit.chain->tip()->node;
        const BlockNode* merge = settled_merge(network, tip, tip->header.time_ms);
        if (merge == nullptr) return std::nullopt;
        return merge->height;
    };
    const std::optional<std::uint32_t> none;
    EXPECT_EQ(height(), 0U);
    for (const auto& expected :
         {std::optional(0U), std::optional(0U), std::optional(0U), std::optional(0U),
          std::optional(0U), none, none, std::optional(6U), std::optional(6U)}) {
        kit.give(kit.mine(kit.alice));
        EXPECT_EQ(height(), expected) << kit.chain->tip()->node->height;
    }
    network.reveal_depth = 0;  // one block at least
    for (const auto& expected : {std::optional(6U), std::optional(6U), none, std::optional(12U)}) {
        kit.give(kit.mine(kit.alice));
        EXPECT_EQ(height(), expected) << kit.chain->tip()->node->height;
    }
}

TEST(ServedModel, OfAChainThatStandsStillNeedsNoBlocksUponIt) {
    chain::NetworkDefinition network = consensus::test_network();
    network.round_length = 6;
    ActiveChainKit kit(network);
    for (int i = 0; i < 6; ++i) kit.give(kit.mine(kit.alice));
    const BlockNode* tip = kit.chain->tip()->node;
    const std::uint64_t round_ms = std::uint64_t{6} * network.spacing_ms;
    EXPECT_EQ(settled_merge(network, tip, tip->header.time_ms + round_ms - 1), nullptr);
    EXPECT_EQ(settled_merge(network, tip, tip->header.time_ms + round_ms), tip);
}

}  // namespace
}  // namespace cairn::node
