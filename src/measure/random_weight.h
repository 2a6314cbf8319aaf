// Random weights for benchmarks: values with a standard deviation of about 0.02 in any storage
// type, filled in by all threads at once. They are good for nothing but measuring speed.
#pragma once

#include <memory>

#include "model/weights.h"
#include "tensor/weight.h"

namespace cairn::measure {

/// A canonical weight and its memory.
class RandomWeight {
  public:
    /// f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1 or w8a8-row.
    RandomWeight(const tensor::Compute& compute, tensor::WeightType type, std::size_t rows,
                 std::size_t cols);
    const tensor::Weight& weight() const { return weight_; }

  private:
    std::shared_ptr<std::uint8_t[]> memory_;
    tensor::Weight weight_;
};

/// A packed copy and its memory.
class PackedWeight {
  public:
    PackedWeight(const tensor::Compute& compute, const tensor::Weight& canonical);
    const tensor::Weight& weight() const { return weight_; }

  private:
    std::shared_ptr<std::uint8_t[]> memory_;
    tensor::Weight weight_;
};

/// A whole model with packed matrices of one type; norms and biases are ones. Embeddings are plain
/// fp32, since a token reads only one row of them; a tied head is a matrix of its own.
model::Model random_model(const tensor::Compute& compute, const model::ModelConfig& config,
                          tensor::WeightType type);

}  // namespace cairn::measure
