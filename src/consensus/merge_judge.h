// Asks the model about a merge: the losses on which its two steps rest (C7), and each
// contribution's part of the gain (C6). It remembers the answers for one tip and the latest sets of
// contributions, so that a miner who assembles again and again, and then connects its own block,
// computes each of them only once. Used by consensus/ and by measurements of the rules.
#pragma once

#include <algorithm>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <vector>

#include "consensus/likeness.h"
#include "consensus/merge_rules.h"
#include "consensus/model_seam.h"
#include "consensus/worth_rules.h"

namespace cairn::consensus {

/// The contributions of one merge, at the mean norm (merge_rules.h). Deltas are as large as the
/// model, so they are made again when they are needed rather than held.
struct MergeSet {
    std::vector<Hash256> ids;  ///< two sets with the same ids are the same
    std::function<Result<Delta>(std::size_t index)> delta;
};

/// What one contribution brings.
struct Scored {
    Int128 raw_score = 0;      ///< S(d)
    Int128 score = 0;          ///< less what only repeats recent merges
    std::int64_t share = 0;    ///< of the round's gain, unit 2^-20 nats summed over the batch
    std::uint32_t weight = 0;  ///< over 2^16: how little it is like the others

    WeighedWorth weighed() const {
        return {static_cast<std::uint64_t>(std::max<std::int64_t>(0, share)), weight};
    }
};

class MergeJudge {
  public:
    MergeJudge(ModelSeam& model, JudgeKernels kernels) : model_(model), kernels_(kernels) {}

    /// From here on the model is at `tip`, whose hash draws the judge batches.
    void start(const Hash256& tip);
    void forget();

    /// The steps that lower the judge batch's loss most, found by walking down from those found
    /// last. CHECKs that the set is not empty, as all that follow.
    Result<chain::MergeSteps> find_steps(const MergeSet& set);
    /// The judge batch's loss behind the joint step of this length.
    Result<std::int64_t> loss(const MergeSet& set, std::uint8_t outer_step);
    /// The losses on which these steps rest; check_steps() judges them.
    Result<StepLosses> losses(const MergeSet& set, const chain::MergeSteps& steps);
    /// In the set's order.
    Result<std::vector<Scored>> scores(const MergeSet& set, const chain::MergeSteps& steps);
    /// Each one's share of what the joint step gains, new or not and without a public step: by it a
    /// miner leaves out what harms. (Behind the public step all may stand on the far side at first;
    /// merge_policy.h goes by that only where most do not.)
    Result<std::vector<std::int64_t>> shares(const MergeSet& set, std::uint8_t outer_step);
    /// How alike they are.
    Result<Likenesses> likenesses(const MergeSet& set);
    /// D.
    Result<Delta> merged(const MergeSet& set, std::uint8_t outer_step);
    /// How far each goes down alone, behind the public step: what a miner ranks by when there are
    /// more than a block takes. It tells cheap work too, under however many keys.
    Result<std::vector<Int128>> scores_alone(const MergeSet& set);

  private:
    struct Current {
        std::vector<Hash256> ids;
        std::vector<std::uint32_t> weights;
        std::uint64_t weight = 0;     // of all together
        std::optional<MergeSum> sum;  // as large as the model: only of those asked about last
        std::optional<chain::MergeSteps> found;
        std::map<std::uint8_t, std::int64_t> losses;               // by outer step
        std::map<std::uint8_t, std::vector<std::int64_t>> shares;  // by outer step
        chain::MergeSteps scored_steps;
        std::vector<Scored> scored;
    };
    using LossAt = std::function<Result<std::int64_t>(std::uint8_t)>;

    /// How alike the contributions of a set are, by their ids; kept for the set's parts.
    struct Measured {
        std::map<Hash256, std::size_t> places;
        std::optional<Likenesses> likenesses;
    };
    Result<Current*> current(const MergeSet& set);
    Result<const Delta*> public_gradient();
    Result<std::int64_t> public_loss(std::uint8_t step);
    Result<std::uint8_t> find_public_step();
    /// `of` is the current one, of this set; its sum is made if it is not there.
    Result<Delta> joint_step(Current& of, const MergeSet& set, std::uint8_t outer_step);
    Result<std::int64_t> outer_loss(Current& of, const MergeSet& set, std::uint8_t step);
    static Result<std::uint8_t> walk(std::uint8_t from, std::uint8_t least, std::uint8_t most,
                                     const LossAt& loss);
    /// walk(); from `least` again if it ends above the loss at theta.
    Result<std::uint8_t> lowest(std::uint8_t from, std::uint8_t least, std::uint8_t most,
                                const LossAt& loss);
    Result<Delta> scoring_gradient(const Delta& offset) {
        return model_.judge_gradient(kernels_, judge_seed(tip_), JudgeBatch::kScoring, offset);
    }

    ModelSeam& model_;
    const JudgeKernels kernels_;
    Hash256 tip_;
    std::optional<Delta> public_gradient_;
    std::optional<Delta> open_gradient_;                  // behind the public step
    std::map<std::uint8_t, std::int64_t> public_losses_;  // 0: at theta
    Measured measured_;
    std::list<Current> sets_;  // the latest first
    chain::MergeSteps last_found_{12, 14};
};

}  // namespace cairn::consensus
