#include "node/served_model.h"

#include <algorithm>

#include "node/block_tree.h"

namespace cairn::node {

namespace {

std::uint32_t settled_blocks(const chain::NetworkDefinition& network) {
    return std::max(kSettledBlocks, network.reveal_depth);
}

}  // namespace

bool is_settled(const chain::NetworkDefinition& network, std::uint32_t height,
                std::uint32_t tip_height, std::uint64_t tip_time_ms, std::uint64_t now_ms) {
    const bool still = now_ms >= tip_time_ms + std::uint64_t{kStillSpacings} * network.spacing_ms;
    return height == 0 || still || tip_height - height >= settled_blocks(network);
}

std::uint32_t settled_height(const chain::NetworkDefinition& network, std::uint32_t tip_height,
                             std::uint64_t tip_time_ms, std::uint64_t now_ms) {
    const std::uint32_t blocks = settled_blocks(network);
    std::uint32_t settled = tip_height > blocks ? tip_height - blocks : 0;
    if (is_settled(network, tip_height, tip_height, tip_time_ms, now_ms)) settled = tip_height;
    return settled - settled % network.round_length;
}

const BlockNode* settled_merge(const chain::NetworkDefinition& network, const BlockNode* tip,
                               std::uint64_t now_ms) {
    return ancestor_at(tip, settled_height(network, tip->height, tip->header.time_ms, now_ms));
}

}  // namespace cairn::node
