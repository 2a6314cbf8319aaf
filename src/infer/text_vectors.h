// TextVectors: one vector for each text, so that texts of similar meaning lie near each other. Any
// model with hidden states gives one: an encoder (model/encoder.h), or a language model, where only
// the last state after the final norm has seen the whole text.
//
//   TextVectors vectors(model.config, model.weights, compute, model::Pooling::kMean);
//   ASSIGN_OR_RETURN(auto all, vectors.embed(texts));   // texts as tokens; each of length 1
#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "model/pooling.h"
#include "model/weights.h"
#include "tensor/compute.h"

namespace cairn::infer {

class TextVectors {
  public:
    /// The weights, packed or not, must outlive this.
    TextVectors(const model::ModelConfig& config, model::Weights weights,
                const tensor::Compute& compute, model::Pooling pooling);

    /// Vectors of length 1, or as pooling gives them. kInvalid if a text has no token, more than
    /// the model's context, or one outside its vocabulary.
    Result<std::vector<std::vector<float>>> embed(std::span<const std::vector<std::uint32_t>> texts,
                                                  bool normalised = true) const;

  private:
    Result<std::vector<std::vector<float>>> encoded(
        std::span<const std::vector<std::uint32_t>> texts) const;
    Result<std::vector<float>> read(std::span<const std::uint32_t> tokens) const;

    model::ModelConfig config_;
    model::Weights weights_;
    const tensor::Compute& compute_;
    model::Pooling pooling_;
};

}  // namespace cairn::infer
