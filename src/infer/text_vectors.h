// TextVectors: one vector for each text, so that texts of similar meaning lie near each other. Any
// model with hidden states gives one: an encoder (model/encoder.h), or a language model, where only
// the last state after the final norm has seen the whole text.
//
//   TextVectors vectors(model.config, model.weights, compute, model::Pooling::kMean);
//   ASSIGN_OR_RETURN(auto all, vectors.embed(texts));   // texts as tokens; each of length 1
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/encoder.h"
#include "model/pooling.h"

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

    /// Memory that reading a text of so many tokens takes beside the weights and grows with its
    /// length: keys and values, states, positions. Of an encoder, which has no keys and values to
    /// keep, nothing is counted.
    static std::uint64_t reading_bytes(const model::ModelConfig& config, std::size_t tokens);

    /// The same in pieces of work, for whoever has other things to do between them.
    class Reading {
      public:
        /// Does one: an encoder's layer for some texts, or some tokens of a language model's. False
        /// if nothing was left.
        bool step();
        /// The vectors of all texts; once, when nothing is left.
        std::vector<std::vector<float>> take();

      private:
        friend class TextVectors;
        Reading(const TextVectors& vectors, bool normalised)
            : vectors_(vectors), normalised_(normalised) {}
        void begin_text();
        void read_piece();

        const TextVectors& vectors_;
        bool normalised_;
        std::unique_ptr<model::Encoder> encoder_;
        // Of a language model: texts, and the one under way.
        std::vector<std::vector<std::uint32_t>> texts_;
        std::vector<std::vector<float>> done_;  // vectors of the first texts
        std::vector<float> states_;
        std::unique_ptr<model::Transformer> transformer_;
        std::optional<model::KvCache> cache_;
    };
    /// This and what it points to must outlive the reading. Errors as of embed().
    Result<std::unique_ptr<Reading>> begin(std::vector<std::vector<std::uint32_t>> texts,
                                           bool normalised = true) const;

  private:
    Status check(std::span<const std::uint32_t> tokens) const;
    std::vector<float> vector_of(std::span<const float> states, bool normalised) const;

    model::ModelConfig config_;
    model::Weights weights_;
    const tensor::Compute& compute_;
    model::Pooling pooling_;
};

}  // namespace cairn::infer
