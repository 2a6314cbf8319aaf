// C7: how contributions become one step of the model. The merge block names how far it goes, and
// how far the public step goes behind which its contributions are judged; each must be such that
// it does not raise the judge batch's loss, and neither neighbour on its grid lowers it further.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/verdict.h"
#include "chain/block.h"
#include "consensus/model_seam.h"

namespace cairn::consensus {

inline constexpr std::uint8_t kOuterSteps = 15;
inline constexpr std::uint8_t kPublicSteps = 24;
/// The outer step whose factor is exactly 1.
inline constexpr std::uint8_t kWholeStep = 13;

/// numerator / denominator to the nearest integer, halves away from zero. CHECKs denominator > 0.
std::int64_t round_half_away(std::int64_t numerator, std::int64_t denominator);

/// Numerator over 2^16 of an outer step of 1 to kOuterSteps (CHECKed): floor(sqrt(2^(19 + step))),
/// from 1/64 to 2 by factors of sqrt(2).
std::uint32_t outer_factor(std::uint8_t step);

/// The delta as it is judged and merged: scaled to the mean norm, so that length is worth nothing.
/// d w / 2^16 for every parameter, halves away from zero, clamped to +-(2^31 - 1), with w =
/// floor(2^16 mean_norm / norm). CHECKs that C5 allows the norm under any version: w below 2^22.
Delta at_mean_norm(Delta delta, std::uint64_t norm, std::uint64_t mean_norm);

/// Sums deltas, each as much as it weighs; the result is the step that the merge takes.
class MergeSum {
  public:
    explicit MergeSum(std::uint64_t parameter_count) : sum_(parameter_count, 0) {}
    /// `weight` over 2^16: above 0 and at most 1 (CHECKed, as equal sizes).
    void add(const Delta& delta, std::uint32_t weight);
    /// Of all together, over 2^16.
    std::uint64_t weight() const { return weight_; }
    /// D, for every parameter clamped to +-(2^31 - 1): round_half_away(outer_factor * sum /
    /// weight), the sum being round_half_away(sum of weight * delta / 2^16). A contribution counts
    /// also where its own delta is 0.
    Delta merged(std::uint8_t outer_step) const;

  private:
    std::vector<std::int64_t> sum_;
    std::uint64_t weight_ = 0;
};

/// P: against the sign of each entry of the public batch's gradient by 2^(step - 1); zeros at 0.
Delta against_signs(const Delta& public_gradient, std::uint8_t step);
/// P + floor(D / 2), clamped to +-(2^31 - 1): where contributions are scored.
Delta middle(const Delta& public_step, const Delta& merged);

/// Losses of the judge batch on which the two steps of a merge block rest. A neighbour that is not
/// on the grid has no loss.
struct StepLosses {
    std::int64_t before = 0;  ///< at theta
    std::int64_t outer = 0;   ///< at theta + D
    std::optional<std::int64_t> outer_shorter, outer_longer;
    std::int64_t behind_public = 0;  ///< at theta + P
    std::optional<std::int64_t> public_shorter, public_longer;
};
Verdict check_steps(const chain::MergeSteps& steps, const StepLosses& losses);

/// Whether the numbers are on their grids: both 0 without contributions, an outer step with them;
/// both 0 where every block has one winner. Part of C2.
Verdict check_steps_named(const chain::NetworkDefinition& network, const chain::Block& block);

}  // namespace cairn::consensus
