// CONSENSUS: changing a result here splits the network.
#include "consensus/merge_judge.h"

#include "base/check.h"

namespace cairn::consensus {
namespace {

/// A miner asks about a set and many parts of it, and of all of them again for the next template.
constexpr std::size_t kSets = 128;
/// Sets whose sum is kept.
constexpr std::size_t kSums = 2;

}  // namespace

void MergeJudge::forget() {
    public_gradient_.reset();
    open_gradient_.reset();
    public_losses_.clear();
    measured_ = {};
    sets_.clear();
}

void MergeJudge::start(const Hash256& tip) {
    if (tip == tip_) return;
    forget();
    tip_ = tip;
}

// A miner asks about many parts of one set, and each pair is as alike in all of them.
Result<Likenesses> MergeJudge::likenesses(const MergeSet& set) {
    CHECK(!set.ids.empty());
    std::vector<std::size_t> places;
    for (const Hash256& id : set.ids) {
        const auto known = measured_.places.find(id);
        if (known == measured_.places.end()) break;
        places.push_back(known->second);
    }
    if (places.size() == set.ids.size()) return measured_.likenesses->of(places);
    const Folder folder(judge_seed(tip_), model_.parameter_count());
    std::vector<Fold> folds;
    for (std::size_t i = 0; i < set.ids.size(); ++i) {
        ASSIGN_OR_RETURN(const Delta delta, set.delta(i));
        folds.push_back(folder.fold(delta, model_.payload_cosine(delta)));
    }
    measured_.places.clear();
    for (std::size_t i = 0; i < set.ids.size(); ++i) measured_.places[set.ids[i]] = i;
    measured_.likenesses.emplace(folds);
    return *measured_.likenesses;
}

Result<MergeJudge::Current*> MergeJudge::current(const MergeSet& set) {
    CHECK(!set.ids.empty());
    for (auto known = sets_.begin(); known != sets_.end(); ++known) {
        if (known->ids != set.ids) continue;
        sets_.splice(sets_.begin(), sets_, known);
        return &sets_.front();
    }
    ASSIGN_OR_RETURN(const Likenesses alike, likenesses(set));
    Current next;
    next.ids = set.ids;
    next.weights = alike.weights();
    for (const std::uint32_t weight : next.weights) next.weight += weight;
    sets_.push_front(std::move(next));
    if (sets_.size() > kSets) sets_.pop_back();
    return &sets_.front();
}

Result<Delta> MergeJudge::joint_step(Current& of, const MergeSet& set, std::uint8_t outer_step) {
    if (!of.sum) {
        MergeSum sum(model_.parameter_count());
        for (std::size_t i = 0; i < set.ids.size(); ++i) {
            ASSIGN_OR_RETURN(const Delta delta, set.delta(i));
            sum.add(delta, of.weights[i]);
        }
        of.sum = std::move(sum);
        std::size_t kept = 0;
        for (Current& other : sets_) {
            if (other.sum && ++kept > kSums) other.sum.reset();
        }
    }
    return of.sum->merged(outer_step);
}

Result<const Delta*> MergeJudge::public_gradient() {
    if (!public_gradient_) {
        ASSIGN_OR_RETURN(Delta gradient, model_.judge_gradient(kernels_, judge_seed(tip_),
                                                               JudgeBatch::kPublic, {}));
        public_gradient_ = std::move(gradient);
    }
    return &*public_gradient_;
}

Result<std::int64_t> MergeJudge::public_loss(std::uint8_t step) {
    if (const auto found = public_losses_.find(step); found != public_losses_.end())
        return found->second;
    Delta offset;
    if (step > 0) {
        ASSIGN_OR_RETURN(const Delta* gradient, public_gradient());
        offset = against_signs(*gradient, step);
    }
    ASSIGN_OR_RETURN(const std::int64_t loss,
                     model_.judge_loss(kernels_, judge_seed(tip_), offset));
    public_losses_[step] = loss;
    return loss;
}

Result<std::int64_t> MergeJudge::outer_loss(Current& of, const MergeSet& set, std::uint8_t step) {
    if (const auto found = of.losses.find(step); found != of.losses.end()) return found->second;
    ASSIGN_OR_RETURN(const Delta offset, joint_step(of, set, step));
    ASSIGN_OR_RETURN(const std::int64_t loss,
                     model_.judge_loss(kernels_, judge_seed(tip_), offset));
    of.losses[step] = loss;
    return loss;
}

Result<std::uint8_t> MergeJudge::walk(std::uint8_t from, std::uint8_t least, std::uint8_t most,
                                      const LossAt& loss) {
    std::uint8_t at = from;
    ASSIGN_OR_RETURN(std::int64_t lowest, loss(at));
    for (bool moved = true; moved;) {
        moved = false;
        for (const int by : {1, -1}) {
            const int next = at + by;
            if (next < least || next > most) continue;
            ASSIGN_OR_RETURN(const std::int64_t there, loss(static_cast<std::uint8_t>(next)));
            if (there >= lowest) continue;
            at = static_cast<std::uint8_t>(next);
            lowest = there;
            moved = true;
            break;
        }
    }
    return at;
}

Result<std::uint8_t> MergeJudge::lowest(std::uint8_t from, std::uint8_t least, std::uint8_t most,
                                        const LossAt& loss) {
    ASSIGN_OR_RETURN(const std::uint8_t found, walk(from, least, most, loss));
    ASSIGN_OR_RETURN(const std::int64_t before, public_loss(0));
    ASSIGN_OR_RETURN(const std::int64_t there, loss(found));
    // Far out, where the model answers at random, there are valleys too, high above.
    if (there > before) return walk(least, least, most, loss);
    return found;
}

Result<std::uint8_t> MergeJudge::find_public_step() {
    return lowest(last_found_.public_step, 0, kPublicSteps,
                  [this](std::uint8_t step) { return public_loss(step); });
}

Result<chain::MergeSteps> MergeJudge::find_steps(const MergeSet& set) {
    ASSIGN_OR_RETURN(Current * of, current(set));
    if (of->found) return *of->found;
    chain::MergeSteps found;
    ASSIGN_OR_RETURN(found.outer_step,
                     lowest(last_found_.outer_step, 1, kOuterSteps,
                            [&](std::uint8_t step) { return outer_loss(*of, set, step); }));
    ASSIGN_OR_RETURN(found.public_step, find_public_step());
    of->found = last_found_ = found;
    return found;
}

Result<std::int64_t> MergeJudge::loss(const MergeSet& set, std::uint8_t outer_step) {
    ASSIGN_OR_RETURN(Current * of, current(set));
    return outer_loss(*of, set, outer_step);
}

Result<StepLosses> MergeJudge::losses(const MergeSet& set, const chain::MergeSteps& steps) {
    ASSIGN_OR_RETURN(Current * of, current(set));
    const auto beside = [](std::uint8_t step, int by) {
        return static_cast<std::uint8_t>(step + by);
    };
    StepLosses losses;
    ASSIGN_OR_RETURN(losses.before, public_loss(0));
    ASSIGN_OR_RETURN(losses.outer, outer_loss(*of, set, steps.outer_step));
    if (steps.outer_step > 1) {
        ASSIGN_OR_RETURN(losses.outer_shorter, outer_loss(*of, set, beside(steps.outer_step, -1)));
    }
    if (steps.outer_step < kOuterSteps) {
        ASSIGN_OR_RETURN(losses.outer_longer, outer_loss(*of, set, beside(steps.outer_step, 1)));
    }
    ASSIGN_OR_RETURN(losses.behind_public, public_loss(steps.public_step));
    if (steps.public_step > 0) {
        ASSIGN_OR_RETURN(losses.public_shorter, public_loss(beside(steps.public_step, -1)));
    }
    if (steps.public_step < kPublicSteps) {
        ASSIGN_OR_RETURN(losses.public_longer, public_loss(beside(steps.public_step, 1)));
    }
    return losses;
}

Result<std::vector<Scored>> MergeJudge::scores(const MergeSet& set,
                                               const chain::MergeSteps& steps) {
    ASSIGN_OR_RETURN(Current * of, current(set));
    if (!of->scored.empty() && of->scored_steps == steps) return of->scored;
    ASSIGN_OR_RETURN(const Delta* open, public_gradient());
    ASSIGN_OR_RETURN(const Delta joint, joint_step(*of, set, steps.outer_step));
    const Delta offset = middle(against_signs(*open, steps.public_step), joint);
    ASSIGN_OR_RETURN(const Delta gradient, scoring_gradient(offset));
    const Repeated repeated(model_.recent_merges(), gradient);
    std::vector<Scored> all;
    for (std::size_t i = 0; i < set.ids.size(); ++i) {
        ASSIGN_OR_RETURN(const Delta delta, set.delta(i));
        Scored scored;
        scored.raw_score = first_order_gain(gradient, delta);
        scored.score = novel_score(scored.raw_score, repeated.score_of(delta));
        scored.share = share_of_gain(scored.score, outer_factor(steps.outer_step), of->weight);
        scored.weight = of->weights[i];
        all.push_back(scored);
    }
    of->scored_steps = steps;
    of->scored = all;
    return all;
}

Result<std::vector<std::int64_t>> MergeJudge::shares(const MergeSet& set, std::uint8_t outer_step) {
    ASSIGN_OR_RETURN(Current * of, current(set));
    if (const auto found = of->shares.find(outer_step); found != of->shares.end())
        return found->second;
    ASSIGN_OR_RETURN(const Delta joint, joint_step(*of, set, outer_step));
    const Delta offset = middle(Delta(model_.parameter_count(), 0), joint);
    ASSIGN_OR_RETURN(const Delta gradient, scoring_gradient(offset));
    std::vector<std::int64_t> shares;
    for (std::size_t i = 0; i < set.ids.size(); ++i) {
        ASSIGN_OR_RETURN(const Delta delta, set.delta(i));
        shares.push_back(
            share_of_gain(first_order_gain(gradient, delta), outer_factor(outer_step), of->weight));
    }
    of->shares[outer_step] = shares;
    return shares;
}

Result<Delta> MergeJudge::merged(const MergeSet& set, std::uint8_t outer_step) {
    ASSIGN_OR_RETURN(Current * of, current(set));
    return joint_step(*of, set, outer_step);
}

Result<std::vector<Int128>> MergeJudge::scores_alone(const MergeSet& set) {
    if (!open_gradient_) {
        ASSIGN_OR_RETURN(const Delta* open, public_gradient());
        ASSIGN_OR_RETURN(const std::uint8_t step, find_public_step());
        ASSIGN_OR_RETURN(Delta made, scoring_gradient(against_signs(*open, step)));
        open_gradient_ = std::move(made);
    }
    const Delta& gradient = *open_gradient_;
    const Repeated repeated(model_.recent_merges(), gradient);
    std::vector<Int128> scores;
    for (std::size_t i = 0; i < set.ids.size(); ++i) {
        ASSIGN_OR_RETURN(const Delta delta, set.delta(i));
        scores.push_back(novel_score(first_order_gain(gradient, delta), repeated.score_of(delta)));
    }
    return scores;
}

}  // namespace cairn::consensus
