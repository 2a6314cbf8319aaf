// Encoder: BERT-style models, in which every token sees every token. Texts go in whole (there is no
// cache), hidden states come out; pooling (model/pooling.h) makes one vector of each text. Several
// texts may be computed together; each gets the bits that it would get alone.
//
//   Encoder encoder(config, weights, compute, 512);
//   ASSIGN_OR_RETURN(std::vector<float> states, encoder.encode(tokens));   // [n, dim]
//   std::vector<float> vector = pooled(compute, Pooling::kMean, states, config.dim);
//   normalise(compute, vector);                                            // for cosine similarity
#pragma once

#include <span>
#include <vector>

#include "model/transformer.h"

namespace cairn::model {

class Encoder {
  public:
    /// Memory for `max_tokens` tokens at once; 0 means config.context. CHECKs that the model is an
    /// encoder and that all its weights are there; they must outlive this.
    Encoder(const ModelConfig& config, Weights weights, const tensor::Compute& compute,
            std::size_t max_tokens = 0);

    const ModelConfig& config() const { return transformer_.config(); }
    std::size_t max_tokens() const { return transformer_.max_batch(); }

    /// The hidden states [n, dim] of one text. kInvalid if it is empty or too long, or an id is
    /// outside the vocabulary.
    Result<std::vector<float>> encode(std::span<const std::uint32_t> tokens);
    /// The hidden states of several texts, computed together: texts[i]'s are result[i]. Together
    /// they may be longer than max_tokens().
    Result<std::vector<std::vector<float>>> encode(
        std::span<const std::vector<std::uint32_t>> texts);

  private:
    Status check(std::span<const std::uint32_t> tokens) const;

    Transformer transformer_;
};

}  // namespace cairn::model
