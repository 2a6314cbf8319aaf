// Merkle trees: one hash stands for a list, and a short proof shows that an element is in it.
// Leaf and node hashes are tagged differently, so a node cannot pass for a leaf; an odd node is
// promoted as it is, never hashed with itself, so two different lists never share a root.
#pragma once

#include <span>
#include <vector>

#include "base/bytes.h"

namespace cairn::crypto {

/// No list has more leaves: bounds proofs at 32 hashes.
inline constexpr std::size_t kMaxMerkleLeaves = std::size_t{1} << 32;

/// The root over `leaves`, each of which is hashed as a leaf first. The empty list has a root of
/// its own.
Hash256 merkle_root(std::span<const Hash256> leaves);

/// Shows that a leaf stands at `index` of a list of `leaf_count`: the siblings from the bottom up.
/// Levels at which the node was promoted have no sibling.
struct MerkleProof {
    std::uint64_t index = 0;
    std::uint64_t leaf_count = 0;
    std::vector<Hash256> siblings;
};

/// CHECKs index < leaves.size().
MerkleProof merkle_proof(std::span<const Hash256> leaves, std::size_t index);
/// Whether `leaf` is in the list with this root, at the proof's index. False for malformed proofs.
bool merkle_verify(const Hash256& root, const Hash256& leaf, const MerkleProof& proof);

/// A tree kept in memory whose leaves change: set() costs O(log n) hashes. Its root always equals
/// merkle_root() of the leaves.
class MerkleTree {
  public:
    MerkleTree() = default;
    explicit MerkleTree(std::span<const Hash256> leaves);

    std::size_t leaf_count() const { return leaf_count_; }
    Hash256 root() const;
    /// CHECKs index < leaf_count().
    void set(std::size_t index, const Hash256& leaf);
    MerkleProof proof(std::size_t index) const;

  private:
    std::size_t leaf_count_ = 0;
    std::vector<std::vector<Hash256>> levels_;  // levels_[0]: hashed leaves; last: the root alone
};

}  // namespace cairn::crypto
