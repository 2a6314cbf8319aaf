// Merkle trees: one hash stands for a list.
// Leaf and node hashes are tagged differently, so a node cannot pass for a leaf; an odd node is
// promoted as it is, never hashed with itself, so two different lists never share a root.
#pragma once

#include <span>
#include <vector>

#include "base/bytes.h"

namespace cairn::crypto {

/// No list has more leaves.
inline constexpr std::size_t kMaxMerkleLeaves = std::size_t{1} << 32;

/// The root over `leaves`, each of which is hashed as a leaf first. The empty list has a root of
/// its own.
Hash256 merkle_root(std::span<const Hash256> leaves);

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
