// The training pass over one gradient leaf: G tokens in sequences of T, forward and backward, in
// microbatches. Inside a leaf N1 runs over ascending tokens, so that every
// microbatch size and thread count gives the same bits; leaves combine in a fixed binary tree
// (model/leaf_tree.h). The chain's judge score is exactly one leaf, so miners, trainers and
// validators share this code.
//
//   LeafPass pass(layout, {.leaf_tokens = 4096, .context = 256, .microbatch = 1024}, compute);
//   std::int64_t loss = pass.backward(weights, tokens, targets, gradient);   // both in sums
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "model/weights.h"
#include "tensor/compute.h"

namespace cairn::model {

/// For people: nats per token of a sum of tensor::loss_to_fixed values (units of 2^-20 nats).
double nats(std::int64_t loss_sum, std::uint64_t tokens);

/// The fewest tokens that a leaf may have.
inline constexpr std::uint32_t kMinLeaf = 1024;

struct LeafShape {
    std::uint32_t leaf_tokens = 0;  ///< G: a power of two, 1024 to 2^20
    std::uint32_t context = 0;      ///< T: a power of two that divides G; at most config.context
    /// Tokens computed at once: a multiple of 256 and of T that divides G. Decides speed and
    /// memory, never bits. 0 = choose.
    std::uint32_t microbatch = 0;
};

Status validate(const LeafShape& shape, const ModelConfig& config);

class LeafPass {
  public:
    /// CHECKs the shape; takes all memory here. `layout` decides where gradients lie. Without
    /// `with_gradient` only the losses can be asked for and memory is much smaller.
    LeafPass(const ParameterLayout& layout, const LeafShape& shape, const tensor::Compute& compute,
             bool with_gradient = true);
    ~LeafPass();
    LeafPass(const LeafPass&) = delete;
    LeafPass& operator=(const LeafPass&) = delete;

    const LeafShape& shape() const;

    /// Sum of the integer losses. `tokens` and `targets` have any equal length that is a multiple
    /// of T (not only G); every token is < vocab.
    std::int64_t forward_loss(const Weights& weights, std::span<const std::uint32_t> tokens,
                              std::span<const std::uint32_t> targets);
    /// The loss of each token in nats, same lengths.
    void token_losses(const Weights& weights, std::span<const std::uint32_t> tokens,
                      std::span<const std::uint32_t> targets, std::span<float> losses);
    /// gradient[layout.size()] = d(sum of losses)/d(parameters) over exactly G tokens, not scaled
    /// by 1/G; padding is zeros. Returns the sum of the integer losses.
    std::int64_t backward(const Weights& weights, std::span<const std::uint32_t> tokens,
                          std::span<const std::uint32_t> targets, std::span<float> gradient);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace cairn::model
