#include "node/served_model.h"

#include <algorithm>

#include "node/block_tree.h"

namespace cairn::node {

bool is_settled(const chain::NetworkDefinition& network, std::uint32_t height,
                std::uint32_t tip_height, std::uint64_t tip_time_ms, std::uint64_t now_ms) {
    const std::uint32_t depth = std::max(1U, network.reveal_depth);
    const std::uint64_t round_ms = std::uint64_t{network.round_length} * network.spacing_ms;
    const bool still = now_ms >= tip_time_ms + round_ms;
    return height == 0 || tip_height - height >= depth || still;
}

std::optional<std::uint32_t> settled_height(const chain::NetworkDefinition& network,
                                            std::uint32_t tip_height, std::uint64_t tip_time_ms,
                                            std::uint64_t now_ms) {
    const std::uint32_t merge = tip_height - tip_height % network.round_length;
    if (is_settled(network, merge, tip_height, tip_time_ms, now_ms)) return merge;
    return std::nullopt;
}

const BlockNode* settled_merge(const chain::NetworkDefinition& network, const BlockNode* tip,
                               std::uint64_t now_ms) {
    const auto height = settled_height(network, tip->height, tip->header.time_ms, now_ms);
    return height ? ancestor_at(tip, *height) : nullptr;
}

}  // namespace cairn::node
