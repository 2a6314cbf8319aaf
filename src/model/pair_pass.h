// PairPass: the training pass over one leaf of an encoder-decoder: pairs of texts, of which the
// encoder reads the one and the decoder learns to write the other. Encoder, decoder, loss, and back
// (N51). Rows stand one behind the other without padding, text by text, so a pair's losses have the
// bits that it would get alone; the gradient is a sum, as in model/leaf.h.
//
//   PairPass pass(layout, {.source_rows = 1024, .target_rows = 1024}, 1, compute);
//   std::int64_t loss = pass.backward(weights, pairs, gradient);
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "model/encoder_decoder_layout.h"
#include "tensor/compute.h"

namespace cairn::model {

/// One pair as tokens. `target` is the decoder's text with all that stands around it: the tokens
/// that begin every text, and the end.
struct PairText {
    std::span<const std::uint32_t> source, target;

    /// The decoder computes a row for each token but the last.
    std::size_t target_rows() const { return target.size() - 1; }
};

/// The most rows that a leaf may have on either side.
struct PairBounds {
    std::size_t source_rows = 0;
    std::size_t target_rows = 0;
};

/// kInvalid unless both halves take a pair of that many tokens: at least one of the source, and one
/// of the target to learn behind its `given` first ones.
Status check_pair_text(const EncoderDecoderLayout& layout, const PairText& pair, std::size_t given);

/// The tokens that have a loss: all of a target but its `given` first ones.
std::uint64_t learnt_tokens(std::span<const PairText> pairs, std::size_t given);

class PairPass {
  public:
    /// The `given` (at least one) first tokens of each target are not learnt. Takes all memory
    /// here, less without `with_gradient`, with which only losses can be asked for.
    PairPass(const EncoderDecoderLayout& layout, const PairBounds& bounds, std::size_t given,
             const tensor::Compute& compute, bool with_gradient = true);
    ~PairPass();
    PairPass(const PairPass&) = delete;
    PairPass& operator=(const PairPass&) = delete;

    const PairBounds& bounds() const;

    /// Sum of the integer losses of a leaf. CHECKs the bounds and check_pair_text().
    std::int64_t forward_loss(const EncoderDecoderWeights& weights,
                              std::span<const PairText> pairs);
    /// gradient[layout.size()] = d(sum of losses)/d(parameters), overwritten. Returns the sum of
    /// the integer losses.
    std::int64_t backward(const EncoderDecoderWeights& weights, std::span<const PairText> pairs,
                          std::span<float> gradient);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace cairn::model
