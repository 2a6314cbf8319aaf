// C7: how contributions become one step of the model, and that the step must not raise the
// judge batch's loss by more than the network's slack.
#pragma once

#include <cstdint>
#include <span>

#include "base/verdict.h"
#include "consensus/model_seam.h"

namespace cairn::consensus {

/// numerator / denominator to the nearest integer, halves away from zero. CHECKs denominator > 0.
std::int64_t round_half_away(std::int64_t numerator, std::int64_t denominator);

/// Sums deltas exactly; the result is the step that the merge takes.
class MergeSum {
  public:
    explicit MergeSum(std::uint64_t parameter_count) : sum_(parameter_count, 0) {}
    /// CHECKs equal sizes.
    void add(const Delta& delta);
    void remove(const Delta& delta);
    std::uint32_t count() const { return count_; }
    /// round_half_away(outer_step * sum / (2^16 * count)) for every parameter, clamped to
    /// +-(2^31 - 1). A contribution counts also where its own delta is 0.
    Delta merged(std::uint32_t outer_step) const;

  private:
    std::vector<std::int64_t> sum_;
    std::uint32_t count_ = 0;
};

/// The integer loss may rise by floor(before * slack / 2^16) at most: on few judge tokens the loss
/// of an honest step goes up and down by chance (docs/measurements/demo-recipe.md).
Verdict check_joint_loss(std::uint32_t slack, std::int64_t before, std::int64_t after);

}  // namespace cairn::consensus
