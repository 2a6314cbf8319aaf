#include "node/served_model.h"

#include <algorithm>

#include "node/block_tree.h"

namespace cairn::node {

const BlockNode* settled_merge(const chain::NetworkDefinition& network, const BlockNode* tip,
                               std::uint64_t now_ms) {
    const BlockNode* merge = ancestor_at(tip, tip->height - tip->height % network.round_length);
    const std::uint32_t depth = std::max(1U, network.reveal_depth);
    const std::uint64_t round_ms = std::uint64_t{network.round_length} * network.spacing_ms;
    const bool still = now_ms >= tip->header.time_ms + round_ms;
    return merge->height == 0 || tip->height - merge->height >= depth || still ? merge : nullptr;
}

}  // namespace cairn::node
