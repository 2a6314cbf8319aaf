#include "model/leaf_tree.h"

#include <algorithm>

#include "base/check.h"

namespace cairn::model {

namespace {

void add_in_place(std::span<float> left, std::span<const float> right) {
    for (std::size_t i = 0; i < left.size(); ++i) left[i] = left[i] + right[i];
}

}  // namespace

// A binary counter: a new leaf joins the partial sum of equal size to its left, as carries do.
void LeafTree::add(std::span<const float> leaf) {
    CHECK(leaf.size() == size_);
    std::vector<float> sum(leaf.begin(), leaf.end());
    std::size_t level = 0;
    for (std::uint64_t bits = leaves_; (bits & 1U) != 0; bits >>= 1U, ++level) {
        add_in_place(partial_[level], sum);
        sum.swap(partial_[level]);
    }
    if (level == partial_.size()) partial_.emplace_back();
    partial_[level] = std::move(sum);
    ++leaves_;
}

void LeafTree::finish(std::span<float> out, std::uint64_t tokens) {
    CHECK(out.size() == size_ && leaves_ > 0 && tokens > 0);
    // Smaller subtrees stand to the right of larger ones.
    std::vector<float> sum;
    for (std::size_t level = 0; level < partial_.size(); ++level) {
        if (((leaves_ >> level) & 1U) == 0) continue;
        if (!sum.empty()) add_in_place(partial_[level], sum);
        sum = std::move(partial_[level]);
    }
    const float share = 1.0F / static_cast<float>(tokens);
    for (std::size_t i = 0; i < size_; ++i) out[i] = tokens == 1 ? sum[i] : sum[i] * share;
    leaves_ = 0;
    partial_.clear();
}

void combine_leaves(std::span<const std::span<const float>> leaves, std::span<float> out,
                    std::uint64_t tokens) {
    LeafTree tree(out.size());
    for (const auto& leaf : leaves) tree.add(leaf);
    tree.finish(out, tokens);
}

}  // namespace cairn::model
