// Lessons: what a Trainer learns from, as it sees it: parameters in one flat array, and for every
// step the mean gradient of the examples that the step draws. Two kinds: a language model's windows
// of a text (stream_lessons), and an encoder-decoder's pairs (pair_lessons.h).
#pragma once

#include <memory>
#include <span>

#include "model/layout.h"
#include "model/leaf_tree.h"
#include "tensor/compute.h"
#include "train/recipe.h"

namespace cairn::train {

/// What a step was made of.
struct LessonSum {
    std::int64_t loss = 0;     ///< sum of the integer losses
    std::uint64_t learnt = 0;  ///< tokens that have a loss
    std::uint64_t tokens = 0;  ///< tokens that were computed
};

class Lessons {
  public:
    virtual ~Lessons() = default;

    /// The tensors of the flat array, in their order, and its length.
    virtual const std::vector<model::TensorInfo>& tensors() const = 0;
    virtual std::uint64_t size() const = 0;
    /// Whether steps can be taken by that recipe.
    virtual Status check(const Recipe& recipe) const = 0;
    /// Overwrites `gradient` with the mean, over the learnt tokens, of step `step`; `parameters` is
    /// the same memory every time.
    virtual LessonSum gradient(std::uint64_t seed, std::uint64_t step,
                               std::span<const float> parameters, std::span<float> gradient) = 0;
};

/// N36's windows of `tokens`, which must outlive it. CHECKs the recipe and the tokens.
std::unique_ptr<Lessons> stream_lessons(const model::ParameterLayout& layout, const Recipe& recipe,
                                        std::span<const std::uint32_t> tokens,
                                        const tensor::Compute& compute);

/// The mean gradient of a step from its leaves, one after the other (N37): for implementations.
class LeafMean {
  public:
    LeafMean(const tensor::Compute& compute, std::uint32_t leaves, std::uint64_t size);

    /// After each leaf's gradient.
    void add(std::span<const float> leaf);
    /// After the last, whose gradient is still there: the mean over `tokens` in its place.
    void finish(std::span<float> gradient, std::uint64_t tokens);

  private:
    tensor::Compute compute_;
    bool one_;
    model::LeafTree tree_;
};

}  // namespace cairn::train
