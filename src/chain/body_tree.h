// The Merkle tree over a block's body: each of its four lists has a tree of its own, and one hash
// stands for the four roots. A leaf is an item's id with what signs for it.
#pragma once

#include <array>
#include <vector>

#include "chain/block.h"

namespace cairn::chain {

/// In their order: coinbase (a list of one), payments, commitments, contributions.
inline constexpr std::size_t kBodyLists = 4;

Hash256 body_leaf(const Coinbase& coinbase);
Hash256 body_leaf(const Payment& payment);
Hash256 body_leaf(const Commitment& commitment);
Hash256 body_leaf(const Contribution& contribution);

/// Of each list, in the order in which the block has them.
std::array<std::vector<Hash256>, kBodyLists> body_leaves(const Block& block);

/// The body root, from the Merkle roots of the lists' leaves.
Hash256 root_of_lists(const std::array<Hash256, kBodyLists>& roots);

}  // namespace cairn::chain
