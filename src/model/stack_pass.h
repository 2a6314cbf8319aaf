// StackPass: the rows of a training pass through a whole model but for its head (token ids to
// states: embeddings, layers, final norm), forward with everything kept that the backward pass
// reads, and backward. LeafPass puts a head and a loss upon one; PairPass has one for each half of
// an encoder-decoder.
//
// Rows are whole texts, all of `length` tokens or each of its own (lengths).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/layer_pass.h"

namespace cairn::model {

/// The most that one pass takes; decides memory, never bits.
struct StackBounds {
    std::size_t rows = 0;
    std::size_t positions = 0;    ///< longest text
    std::size_t source_rows = 0;  ///< with cross attention
};

/// How the rows of a pass are texts, and what these see of other texts.
struct StackTexts {
    std::size_t length = 0;  ///< of every text, where `lengths` are not given
    std::span<const std::size_t> lengths{};
    const SourceTexts* source = nullptr;
};

class StackPass {
  public:
    /// `layout` decides where gradients lie. Takes all memory here; much less without gradients.
    StackPass(const ParameterLayout& layout, const StackBounds& bounds,
              const tensor::Compute& compute, bool with_gradient);

    const ParameterLayout& layout() const { return layout_; }

    /// The states [n, dim] of n tokens, which stay until the next call.
    tensor::Matrix forward(const Weights& weights, std::span<const std::uint32_t> tokens,
                           const StackTexts& texts);
    /// dx [n, dim]: on entry the gradient of the states that forward() gave for the same tokens,
    /// whose memory it may be; it is overwritten. Adds to `gradient` [layout.size()], but rows of
    /// the token embedding to `dtokens` [vocab, dim].
    void backward(const Weights& weights, std::span<const std::uint32_t> tokens,
                  const StackTexts& texts, tensor::Matrix dx, std::span<float> gradient,
                  std::span<float> dtokens);
    /// Memory for a gradient of states, where that of the last forward() may be lost: [n, dim].
    tensor::Matrix gradient_rows(std::size_t n) { return {normed_.data(), n, config_.dim}; }

  private:
    LayerContext context(std::uint32_t layer, const StackTexts& texts) const;
    LayerGraph graph() const { return {config_, compute_}; }
    NormStats final_stats() { return {mean_.data(), rstd_.data()}; }
    NormStats embedded_stats() { return {embedded_mean_.data(), embedded_rstd_.data()}; }
    void embed(const Weights& weights, std::span<const std::uint32_t> tokens,
               const StackTexts& texts, tensor::Matrix x);
    void embed_backward(const Weights& weights, std::span<const std::uint32_t> tokens,
                        const StackTexts& texts, tensor::Matrix dx, std::span<float> gradient,
                        std::span<float> dtokens);

    ParameterLayout layout_;
    ModelConfig config_;
    tensor::Compute compute_;
    bool with_gradient_;
    RopeTables ropes_;
    std::vector<float> sinusoids_;  // [positions, dim] or nothing
    LayerScratch scratch_;
    std::vector<LayerActivations> kept_;
    std::vector<float> row_;                            // [dim]
    std::vector<float> embedded_;                       // [n, dim] what the embedding norm reads
    std::vector<float> embedded_mean_, embedded_rstd_;  // [n]
    std::vector<std::uint32_t> table_rows_;             // [n] of positions or types
    std::vector<float> residual_;                       // [n, dim]
    std::vector<float> normed_;                         // [n, dim]
    std::vector<float> mean_, rstd_;                    // [n]
};

}  // namespace cairn::model
