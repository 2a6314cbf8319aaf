// Trainer: parameters, AdamW moments and a step counter, and the one thing that can be done with
// them: take a step. The chain's round trainer and `cairn train` both drive this class. A step is a
// pure function of (state, recipe, tokens or pairs, seed): save() and load() resume to the bit.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "model/layout.h"
#include "tensor/compute.h"
#include "train/lessons.h"
#include "train/recipe.h"

namespace cairn::train {

/// What a step reports.
struct StepReport {
    std::uint64_t step = 0;    ///< the step just taken, counted from 0
    double loss = 0;           ///< nats per learnt token before the step, over its own examples
    std::uint64_t tokens = 0;  ///< that were computed
    double gradient_norm = 0;  ///< before clipping
    double learning_rate = 0;
};

class Trainer {
  public:
    /// `tokens` and the pool of `compute` must outlive it. CHECKs the recipe and the tokens (see
    /// check_tokens).
    Trainer(const model::ParameterLayout& layout, const Recipe& recipe,
            std::span<const std::uint32_t> tokens, std::uint64_t seed,
            const tensor::Compute& compute);
    /// Of whatever is learnt. CHECKs the recipe.
    Trainer(std::unique_ptr<Lessons> lessons, const Recipe& recipe, std::uint64_t seed,
            const tensor::Compute& compute);
    ~Trainer();
    Trainer(const Trainer&) = delete;
    Trainer& operator=(const Trainer&) = delete;

    const Recipe& recipe() const;

    /// Puts the parameters there and continues at `step`; clears the moments unless told not to.
    void start(std::span<const float> parameters, std::uint64_t step, bool keep_moments = false);
    /// Sets the length of the schedule, for a caller that first measures the machine's speed. The
    /// rates of the warm-up do not depend on it, so until its end the steps are those of a run that
    /// had this number from the start; after it, a change is kInvalid.
    Status set_total_steps(std::uint64_t total_steps);
    /// One optimiser step. kInvalid when a loss or gradient is not finite (nothing changes then).
    Result<StepReport> step();

    std::span<const float> parameters() const;
    std::uint64_t next_step() const;
    std::uint64_t seed() const;

    /// Everything that step() reads, besides the tokens, in canonical bytes.
    Bytes save() const;
    Status load(ByteView saved);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace cairn::train
