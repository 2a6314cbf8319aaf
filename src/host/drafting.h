// Drafting: who guesses ahead for a host's texts (infer/drafter.h), the same for all of its models
// whose vocabulary it has. Guesses decide no bit, only how fast a text is written.
//
// Only the serving thread touches it once it is made.
#pragma once

#include <memory>
#include <optional>

#include "host/ready_model.h"
#include "infer/drafter.h"

namespace cairn::host {

/// Whom a host asks for guesses: nobody, unless said.
struct DraftChoice {
    bool repeat = false;                      ///< what followed the same tokens earlier in the text
    std::unique_ptr<ModelSource> model = {};  ///< a smaller model; not with `repeat`
    std::size_t tokens = 6;                   ///< guesses for a text in a step, at most
};

class Drafting {
  public:
    /// Opens the model, if one is chosen; kInvalid for one that writes nothing. Takes long.
    static Result<std::optional<OpenedModel>> open(DraftChoice& choice);
    /// Packs it with `loader`, computes guesses with `compute`, which outlives this.
    Drafting(const DraftChoice& choice, std::optional<OpenedModel> opened,
             const tensor::Compute& loader, const tensor::Compute& compute);

    /// Memory that it takes for all texts together.
    std::uint64_t bytes() const;
    /// Whether it guesses for texts of this model: never for one of another vocabulary.
    bool guesses_for(const ReadyModel& model) const;
    /// Memory that it takes for a text of so many positions.
    std::uint64_t text_bytes(std::size_t positions) const;
    /// For one text. CHECKs that somebody guesses.
    std::unique_ptr<infer::Drafter> drafter(const tensor::SampleSettings& sampling,
                                            std::size_t positions);
    /// Guesses for a text in a step, at most.
    std::size_t tokens() const { return tokens_; }

  private:
    bool repeat_;
    std::size_t tokens_;
    std::optional<ReadyModel> model_;
    std::optional<infer::DraftModel> guesser_;  // of model_
};

}  // namespace cairn::host
