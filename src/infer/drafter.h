// Drafters guess how a text goes on, so that a model can look at several tokens at once
// (generate.h). A guess decides no bit: the model samples each token from its own logits as it
// would have without, and what was guessed wrong is forgotten. A good guess saves a pass over the
// weights, which is what decoding waits for.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/transformer.h"
#include "tensor/sample.h"

namespace cairn::infer {

inline constexpr std::size_t kMaxDraft = 32;

class Drafter {
  public:
    virtual ~Drafter() = default;
    /// At most `most` tokens that may follow `text`, often none. Called with a text that begins
    /// with the one before, or with another one.
    virtual std::vector<std::uint32_t> draft(std::span<const std::uint32_t> text,
                                             std::size_t most) = 0;
};

/// Guesses that what followed the same few tokens earlier in the text follows again: good where a
/// text repeats its beginning, as code, tables and summaries do. Costs next to nothing.
class RepeatDrafter final : public Drafter {
  public:
    static constexpr std::size_t kLongest = 4;
    static constexpr std::size_t kShortest = 2;

    std::vector<std::uint32_t> draft(std::span<const std::uint32_t> text,
                                     std::size_t most) override;
};

/// A model that guesses, with the memory in which it computes: once for all texts that it guesses
/// for, one at a time.
class DraftModel {
  public:
    /// For texts of at most `positions` tokens, at most the model's context. CHECKs that the model
    /// has a head. The weights must outlive it.
    DraftModel(const model::ModelConfig& config, const model::Weights& weights,
               const tensor::Compute& compute, std::size_t positions);

    const model::ModelConfig& config() const { return transformer_.config(); }
    std::size_t max_positions() const { return transformer_.max_positions(); }

  private:
    friend class ModelDrafter;

    model::Transformer transformer_;
    tensor::Compute compute_;
    std::vector<float> hidden_;  // [max_batch, dim]
    std::vector<float> logits_;  // [vocab]
};

/// A smaller model with the same vocabulary writes ahead. It samples as the large one does, with
/// the same random numbers, so that both take the same token where they think alike.
class ModelDrafter final : public Drafter {
  public:
    /// For one text. Room for `positions` tokens, at most the model's; beyond it there are no
    /// guesses. `model` must outlive it.
    ModelDrafter(DraftModel& model, const tensor::SampleSettings& sampling, std::size_t positions);

    std::vector<std::uint32_t> draft(std::span<const std::uint32_t> text,
                                     std::size_t most) override;

  private:
    /// Feeds known_[cache_.length()..]; gives the logits behind the last.
    std::span<const float> read();

    DraftModel& model_;
    tensor::SampleSettings sampling_;
    model::KvCache cache_;
    std::vector<std::uint32_t> known_;  // the text and the guesses that the cache has rows of
};

}  // namespace cairn::infer
