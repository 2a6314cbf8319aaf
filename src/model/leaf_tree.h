// Combining gradient leaves in a fixed binary tree (N8): n leaves split at the
// largest power of two below n, left + right, down to single leaves. The order of additions
// depends on the number of leaves alone, so machines that own aligned subtrees can send partial
// sums to each other and everybody gets the same bits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace cairn::model {

/// Takes leaves one by one, in order, keeping at most one partial sum per level.
class LeafTree {
  public:
    explicit LeafTree(std::size_t size) : size_(size) {}

    void add(std::span<const float> leaf);
    std::uint64_t leaves() const { return leaves_; }
    /// out = the tree's sum times 1/tokens (one division, then one multiplication each); pass the
    /// number of tokens of all leaves for the mean gradient, 1 for the sum. Empties the tree.
    void finish(std::span<float> out, std::uint64_t tokens);

  private:
    std::size_t size_;
    std::uint64_t leaves_ = 0;
    std::vector<std::vector<float>> partial_;  // partial_[i] sums 2^i leaves if bit i of leaves_
};

/// All at once: out = sum of the leaves by the tree, times 1/tokens.
void combine_leaves(std::span<const std::span<const float>> leaves, std::span<float> out,
                    std::uint64_t tokens);

}  // namespace cairn::model
