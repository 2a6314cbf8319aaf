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

/// A smaller model with the same vocabulary writes ahead. It samples as the large one does, with
/// the same random numbers, so that both take the same token where they think alike.
class ModelDrafter final : public Drafter {
  public:
    /// Room for `positions` tokens, at most the model's context; beyond it there are no guesses.
    /// CHECKs that the model has a head. The weights must outlive it.
    ModelDrafter(const model::ModelConfig& config, const model::Weights& weights,
                 const tensor::Compute& compute, const tensor::SampleSettings& sampling,
                 std::size_t positions);

    std::vector<std::uint32_t> draft(std::span<const std::uint32_t> text,
                                     std::size_t most) override;

  private:
    /// Feeds known_[cache_.length()..]; gives the logits behind the last.
    std::span<const float> read();

    model::Transformer transformer_;
    tensor::Compute compute_;
    tensor::SampleSettings sampling_;
    model::KvCache cache_;
    std::vector<std::uint32_t> known_;  // the text and the guesses that the cache has rows of
    std::vector<float> hidden_;         // [max_batch, dim]
    std::vector<float> logits_;         // [vocab]
};

}  // namespace cairn::infer
