// CONSENSUS: changing a result here splits the network.
#include "crypto/merkle.h"

#include "crypto/hash.h"

namespace cairn::crypto {
namespace {

Hash256 empty_root() { return tagged_hash("cairn/empty", {}); }

/// One level up: pairs are hashed, an odd last node moves up as it is.
std::vector<Hash256> parents(const std::vector<Hash256>& nodes) {
    std::vector<Hash256> result;
    result.reserve((nodes.size() + 1) / 2);
    for (std::size_t i = 0; i + 1 < nodes.size(); i += 2)
        result.push_back(merkle_node(nodes[i], nodes[i + 1]));
    if (nodes.size() % 2 == 1) result.push_back(nodes.back());
    return result;
}

}  // namespace

Hash256 merkle_leaf(const Hash256& leaf) {
    static const TaggedHasher hasher("cairn/leaf");
    return hasher(leaf.view());
}

Hash256 merkle_node(const Hash256& left, const Hash256& right) {
    static const TaggedHasher hasher("cairn/node");
    return hasher(left.view(), right.view());
}

Hash256 merkle_root(std::span<const Hash256> leaves) {
    if (leaves.empty()) return empty_root();
    std::vector<Hash256> nodes;
    nodes.reserve(leaves.size());
    for (const Hash256& leaf : leaves) nodes.push_back(merkle_leaf(leaf));
    while (nodes.size() > 1) nodes = parents(nodes);
    return nodes.front();
}

std::vector<Hash256> merkle_branch(std::span<const Hash256> leaves, std::size_t index) {
    CHECK(index < leaves.size());
    std::vector<Hash256> nodes;
    nodes.reserve(leaves.size());
    for (const Hash256& leaf : leaves) nodes.push_back(merkle_leaf(leaf));
    std::vector<Hash256> branch;
    for (; nodes.size() > 1; nodes = parents(nodes), index /= 2)
        if ((index ^ 1) < nodes.size()) branch.push_back(nodes[index ^ 1]);
    return branch;
}

std::optional<Hash256> root_by_branch(const Hash256& leaf, std::size_t index, std::size_t count,
                                      std::span<const Hash256> branch) {
    if (index >= count) return std::nullopt;
    Hash256 node = merkle_leaf(leaf);
    std::size_t used = 0;
    for (; count > 1; count = (count + 1) / 2, index /= 2) {
        if ((index ^ 1) >= count) continue;  // an odd last node moves up as it is
        if (used == branch.size()) return std::nullopt;
        const Hash256& other = branch[used++];
        node = index % 2 == 0 ? merkle_node(node, other) : merkle_node(other, node);
    }
    if (used != branch.size()) return std::nullopt;
    return node;
}

MerkleTree::MerkleTree(std::span<const Hash256> leaves) : leaf_count_(leaves.size()) {
    CHECK(leaves.size() <= kMaxMerkleLeaves);
    if (leaves.empty()) return;
    levels_.emplace_back();
    levels_[0].reserve(leaves.size());
    for (const Hash256& leaf : leaves) levels_[0].push_back(merkle_leaf(leaf));
    while (levels_.back().size() > 1) levels_.push_back(parents(levels_.back()));
}

Hash256 MerkleTree::root() const {
    return leaf_count_ == 0 ? empty_root() : levels_.back().front();
}

void MerkleTree::set(std::size_t index, const Hash256& leaf) {
    CHECK(index < leaf_count_);
    levels_[0][index] = merkle_leaf(leaf);
    for (std::size_t level = 0; level + 1 < levels_.size(); ++level) {
        const std::vector<Hash256>& nodes = levels_[level];
        const std::size_t left = index & ~std::size_t{1};
        index /= 2;
        levels_[level + 1][index] =
            left + 1 < nodes.size() ? merkle_node(nodes[left], nodes[left + 1]) : nodes[left];
    }
}

}  // namespace cairn::crypto
