// MerkleRange: some neighbouring leaves of a Merkle tree (merkle.h), with the few hashes beside
// them that lead up to its root. Whoever knows only the root can tell by them that these are the
// leaves at these places; whoever holds the leaves can prove any part of them to others.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/encoding.h"
#include "crypto/merkle.h"

namespace cairn::crypto {

/// No tree has more levels below its root, so neither side of a proof is longer.
inline constexpr std::size_t kMaxProofSide = 32;

/// The hashes beside a range, from the leaves up. Each side depends on that end of the range alone:
/// the left side of one range and the right side of the next prove both together.
struct RangeProof {
    std::vector<Hash256> left, right;
    bool operator==(const RangeProof&) const = default;
};

/// As it goes over links and to disks: left, then right, each with its count.
void write(Writer& writer, const RangeProof& proof);
RangeProof read_range_proof(Reader& reader);

class MerkleRange {
  public:
    /// `leaves` as merkle_root() takes them, being those from `first` on of a tree that has
    /// `total`. kInvalid for none, for leaves outside the tree, and unless each side has as many
    /// hashes as belong there. That they are the tree's is not checked here: compare root().
    static Result<MerkleRange> build(std::span<const Hash256> leaves, std::uint64_t first,
                                     std::uint64_t total, const RangeProof& proof);

    const Hash256& root() const { return levels_.back().nodes.front(); }
    std::uint64_t first() const { return first_; }
    std::uint64_t end() const { return end_; }  ///< behind the last leaf
    std::uint64_t total() const { return total_; }

    /// Of leaves [begin, end), which are CHECKed to be here.
    RangeProof prove(std::uint64_t begin, std::uint64_t end) const;

  private:
    struct Level {
        std::uint64_t first = 0;  ///< place of nodes[0] in its level
        std::vector<Hash256> nodes;
    };

    MerkleRange() = default;

    std::uint64_t first_ = 0, end_ = 0, total_ = 0;
    std::vector<Level> levels_;  // leaves first, the root last
};

}  // namespace cairn::crypto
