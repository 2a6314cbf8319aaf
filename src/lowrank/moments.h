// Second moments of what a model's matrices read while it reads a calibration text: S = sum of x
// x^T. With them a matrix is compressed for the inputs that it gets, not for all inputs alike: the
// error
// |(W - W') x|^2 summed over the text is |(W - W') L|^2 for any L with L L^T = S (activation-aware
// low rank, as SVD-LLM whitens).
#pragma once

#include <array>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/transformer.h"

namespace cairn::lowrank {

/// Of every projection of every layer. Queries, keys and values share one matrix, gate and up too.
class Moments {
  public:
    /// Runs the model over the tokens in windows of `window`; `progress` is told tokens done.
    /// kUnsupported for models whose matrices are factors already, and for encoders.
    static Result<Moments> of(const tensor::Compute& compute, const model::Model& model,
                              std::span<const std::uint32_t> tokens, std::size_t window,
                              const std::function<void(std::size_t)>& progress = {});

    /// S [in, in] of a projection's inputs.
    tensor::ConstMatrix at(std::uint32_t layer, model::Projection projection) const;

  private:
    struct Sum {
        std::size_t width = 0;
        std::vector<float> values;
    };
    /// Inputs of q, k and v; of o; of gate and up; of down.
    std::vector<std::array<Sum, 4>> sums_;
};

/// L of one matrix S, lower triangular in double precision, S having got a little of its mean
/// diagonal first so that directions that the text never showed count for something.
class Whitening {
  public:
    /// Rows and columns [begin, begin + size) of S.
    Whitening(tensor::ConstMatrix s, std::size_t begin, std::size_t size);

    std::size_t size() const { return size_; }
    /// W L, [w.rows, size].
    std::vector<float> apply(const tensor::Compute& compute, tensor::ConstMatrix w) const;
    /// V L^-1 in place, v [k, size].
    void undo(const tensor::Compute& compute, tensor::Matrix v) const;

  private:
    std::size_t size_;
    std::vector<double> l_;  ///< [size, size], zeros above
};

}  // namespace cairn::lowrank
