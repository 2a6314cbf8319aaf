// Encoder: BERT-style models, in which every token sees every token. Texts go in whole (there is no
// cache), hidden states come out; pooling makes one vector of a text. Several texts are computed
// together without changing anybody's bits.
//
//   Encoder encoder(config, weights, compute, 512);
//   ASSIGN_OR_RETURN(std::vector<float> states, encoder.encode(tokens));   // [n, dim]
//   std::vector<float> vector = mean_pooled(compute, states, config.dim);
//   normalise(compute, vector);                                            // for cosine similarity
//
// CONSENSUS: changing a result here splits the network.
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

/// The mean of all rows of [n, dim]: N1's sum over tokens, then one division.
std::vector<float> mean_pooled(const tensor::Compute& compute, std::span<const float> states,
                               std::size_t dim);
/// The first row: the state of the token that stands for the whole text ([CLS]).
std::vector<float> first_pooled(std::span<const float> states, std::size_t dim);
/// The last row: the only state of a language model that has seen the whole text.
std::vector<float> last_pooled(std::span<const float> states, std::size_t dim);
/// To length 1: x / sqrt(sum of squares), by N3. Zeros stay zeros.
void normalise(const tensor::Compute& compute, std::span<float> vector);

}  // namespace cairn::model
