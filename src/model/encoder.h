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

    /// The hidden states [n, dim] of one text, rounded to `states` layer by layer and at the end
    /// (N48, N53). kInvalid if it is empty or too long, or an id is outside the vocabulary.
    Result<std::vector<float>> encode(std::span<const std::uint32_t> tokens,
                                      tensor::StateType states = tensor::StateType::kF32);
    /// The hidden states of several texts, computed together: texts[i]'s are result[i]. Together
    /// they may be longer than max_tokens().
    Result<std::vector<std::vector<float>>> encode(
        std::span<const std::vector<std::uint32_t>> texts);

    /// The same in pieces, for whoever has other things to do between them: begin(), step() until
    /// it says that nothing is left, take(). A piece is as many texts as fit through one layer.
    Status begin(std::vector<std::vector<std::uint32_t>> texts);
    bool step();
    std::vector<std::vector<float>> take() { return std::move(done_); }

  private:
    Status check(std::span<const std::uint32_t> tokens) const;
    void gather();
    void scatter();

    Transformer transformer_;
    // Of the texts that were begun.
    std::vector<std::vector<std::uint32_t>> texts_;
    std::vector<std::vector<float>> done_;  // of the first texts
    std::vector<Segment> segments_;         // the texts under way, which follow them
    std::vector<float> states_;             // theirs
    std::uint32_t layer_ = 0;               // the next that they go through
};

}  // namespace cairn::model
