// Merkle trees: one hash stands for a list.
// Leaf and node hashes are tagged differently, so a node cannot pass for a leaf; an odd node is
// promoted as it is, never hashed with itself, so two different lists never share a root.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace cairn::crypto {

/// No list has more leaves.
inline constexpr std::size_t kMaxMerkleLeaves = std::size_t{1} << 32;

/// The root over `leaves`, each of which is hashed as a leaf first. The empty list has a root of
/// its own.
Hash256 merkle_root(std::span<const Hash256> leaves);

/// What stands for a leaf, and for two nodes beside each other, one level up.
Hash256 merkle_leaf(const Hash256& leaf);
Hash256 merkle_node(const Hash256& left, const Hash256& right);

/// What it takes to get from one leaf to the root: the nodes beside its way up, from below. CHECKs
/// that there is such a leaf.
std::vector<Hash256> merkle_branch(std::span<const Hash256> leaves, std::size_t index);
/// The root of the tree of `count` leaves in which `leaf` stands at `index` and `branch` beside its
/// way; nullopt where a branch of such a leaf has another length. (A root does not say how many
/// leaves it has: that `leaf` is one is certain, its place is as true as the claim.)
std::optional<Hash256> root_by_branch(const Hash256& leaf, std::size_t index, std::size_t count,
                                      std::span<const Hash256> branch);

/// A tree kept in memory whose leaves change: set() costs O(log n) hashes. Its root always equals
/// merkle_root() of the leaves.
class MerkleTree {
  public:
    MerkleTree() = default;
    explicit MerkleTree(std::span<const Hash256> leaves);

    Hash256 root() const;
    /// CHECKs that there is such a leaf.
    void set(std::size_t index, const Hash256& leaf);

  private:
    std::size_t leaf_count_ = 0;
    std::vector<std::vector<Hash256>> levels_;  // levels_[0]: hashed leaves; last: the root alone
};

}  // namespace cairn::crypto
