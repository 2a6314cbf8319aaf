#include "consensus/merge_policy.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "base/check.h"

namespace cairn::consensus {
namespace {

/// So many looks leave out opposed ones, and so many try suspects, at most.
constexpr int kTries = 8;
/// After so many looks at what is left, each leaves out twice as many as the one before.
constexpr int kLooks = 24;
/// From which likeness on two contributions are copies, and how many with their copies are tried.
constexpr double kCopies = 0.9;
constexpr std::size_t kVoices = 4;

using Marks = std::vector<bool>;

MergeSet subset(const MergeSet& all, const std::vector<std::size_t>& taken) {
    MergeSet set;
    for (const std::size_t index : taken) set.ids.push_back(all.ids[index]);
    set.delta = [&all, taken](std::size_t index) { return all.delta(taken.at(index)); };
    return set;
}

std::vector<std::size_t> without(const std::vector<std::size_t>& taken, const Marks& leave) {
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < taken.size(); ++i) {
        if (!leave[i]) kept.push_back(taken[i]);
    }
    return kept;
}

bool any(const Marks& marks) { return std::ranges::find(marks, true) != marks.end(); }
bool is_proper_part(const Marks& marks) {
    return any(marks) && std::ranges::find(marks, false) != marks.end();
}

Marks find_below(const std::vector<WeighedShare>& shares, std::int64_t least) {
    Marks marks;
    for (const WeighedShare& one : shares) marks.push_back(one.share < least);
    return marks;
}

/// Those that go down alone less than so many quarters of what the best does.
Marks find_poor(const std::vector<Int128>& alone, int quarters) {
    const Int128 best = std::max<Int128>(0, *std::ranges::max_element(alone));
    Marks marks;
    for (const Int128 score : alone) marks.push_back(score < best / 4 * quarters);
    return marks;
}

/// Those that count at least so much, over 2^16, being so little like the others. Parts of one
/// update, dealt out to keys, are like nobody, so each of them counts whole.
Marks find_unlike(const std::vector<WeighedShare>& shares, std::uint32_t least_weight) {
    Marks marks;
    for (const WeighedShare& one : shares) marks.push_back(one.weight >= least_weight);
    return marks;
}

/// Whatever `first` is a copy of, its copies' copies too.
Marks copies_of(const Likenesses& likenesses, std::size_t first) {
    Marks marks(likenesses.size(), false);
    marks[first] = true;
    std::vector<std::size_t> found{first};
    while (!found.empty()) {
        const std::size_t one = found.back();
        found.pop_back();
        for (std::size_t i = 0; i < marks.size(); ++i) {
            if (marks[i] || likenesses(one, i) < kCopies) continue;
            marks[i] = true;
            found.push_back(i);
        }
    }
    return marks;
}

/// Those that move the merge most: the heaviest contributions, each with all its copies.
std::vector<Marks> heaviest(const std::vector<WeighedShare>& shares, const Likenesses& likenesses) {
    struct Voice {
        Marks marks;
        std::uint64_t weight = 0;
    };
    std::vector<Voice> voices;
    Marks seen(likenesses.size(), false);
    for (std::size_t i = 0; i < seen.size(); ++i) {
        if (seen[i]) continue;
        Voice voice{copies_of(likenesses, i)};
        for (std::size_t k = 0; k < seen.size(); ++k) {
            if (!voice.marks[k]) continue;
            seen[k] = true;
            voice.weight += shares[k].weight;
        }
        voices.push_back(std::move(voice));
    }
    std::ranges::stable_sort(voices, std::greater<>(), &Voice::weight);
    std::vector<Marks> marks;
    for (std::size_t i = 0; i < std::min(kVoices, voices.size()); ++i)
        marks.push_back(std::move(voices[i].marks));
    return marks;
}

/// What may be better left out: never nothing, never all.
struct Suspects {
    Marks marks;
    bool for_weight = false;  // not for what they bring
};
std::vector<Suspects> suspects_of(const std::vector<WeighedShare>& shares,
                                  const std::vector<Int128>& alone, const Likenesses& likenesses) {
    const Marks low = find_below(shares, std::max<std::int64_t>(0, middle_share(shares)) / 2);
    std::vector<Suspects> found{{find_harmful(shares)}, {low}};
    if (any(low)) found.push_back({find_lowest(shares, 1)});
    for (Marks& marks : heaviest(shares, likenesses)) found.push_back({std::move(marks), true});
    for (const int quarters : {3, 2, 1}) found.push_back({find_poor(alone, quarters)});
    for (const std::uint32_t quarters : {3U, 2U})
        found.push_back({find_unlike(shares, quarters << 14)});
    std::vector<Suspects> once;
    for (Suspects& each : found) {
        const auto same = [&](const Suspects& other) { return other.marks == each.marks; };
        if (is_proper_part(each.marks) && std::ranges::none_of(once, same))
            once.push_back(std::move(each));
    }
    return once;
}

/// One run of choose_merge().
class Choice {
  public:
    Choice(MergeJudge& judge, const MergeSet& candidates)
        : judge_(judge), candidates_(candidates), taken_(candidates.ids.size()) {
        std::iota(taken_.begin(), taken_.end(), std::size_t{0});
        choice_.shares.assign(taken_.size(), 0);
        choice_.opposed.assign(taken_.size(), false);
    }

    Result<MergeChoice> run() {
        if (!taken_.empty()) {
            ASSIGN_OR_RETURN(alone_, judge_.scores_alone(candidates_));
        }
        while (!taken_.empty()) {
            ASSIGN_OR_RETURN(const bool done, look());
            if (done) break;
        }
        choice_.taken = taken_;
        if (taken_.empty()) choice_.steps = {};
        return choice_;
    }

  private:
    /// Leaves something out; true if nothing has to be.
    Result<bool> look() {
        const MergeSet set = subset(candidates_, taken_);
        ASSIGN_OR_RETURN(choice_.steps, judge_.find_steps(set));
        ASSIGN_OR_RETURN(const StepLosses losses, judge_.losses(set, choice_.steps));
        ASSIGN_OR_RETURN(const Likenesses likenesses, judge_.likenesses(set));
        ASSIGN_OR_RETURN(const std::vector<std::int64_t> joint,
                         judge_.shares(set, choice_.steps.outer_step));
        const std::vector<std::uint32_t> weights = likenesses.weights();
        std::vector<WeighedShare> shares;
        std::vector<Int128> alone;
        for (std::size_t i = 0; i < joint.size(); ++i) {
            shares.push_back({joint[i], weights[i]});
            alone.push_back(alone_[taken_[i]]);
            choice_.shares[taken_[i]] = joint[i];
        }
        const bool lowers = check_steps(choice_.steps, losses).is_valid();
        if (lowers && opposed_tries_ < kTries) {
            ASSIGN_OR_RETURN(const bool left, leave_opposed(set));
            if (left) return false;
        }
        if (tries_++ < kTries) {
            ASSIGN_OR_RETURN(const bool left,
                             leave_suspects(suspects_of(shares, alone, likenesses), losses));
            if (left) return false;
        }
        Marks leave = find_harmful(shares);
        if (!lowers || (any(leave) && ++looks_ > kLooks)) {
            leave = find_lowest(shares, raising_);
            raising_ *= 2;
        }
        taken_ = without(taken_, leave);
        return !any(leave);
    }

    Result<bool> leave_opposed(const MergeSet& set) {
        ASSIGN_OR_RETURN(const std::vector<Scored> scores, judge_.scores(set, choice_.steps));
        std::vector<WeighedShare> shares;
        for (const Scored& scored : scores) shares.push_back({scored.share, scored.weight});
        const Marks opposed = find_opposed(shares);
        if (!any(opposed)) return false;
        ++opposed_tries_;
        for (std::size_t i = 0; i < opposed.size(); ++i) {
            if (!opposed[i]) continue;
            if (choice_.shares[taken_[i]] < 0) continue;  // it harms, and that is the better reason
            choice_.opposed[taken_[i]] = true;
            choice_.shares[taken_[i]] = scores[i].share;
        }
        taken_ = without(taken_, opposed);
        return true;
    }

    /// Those without whom the loss falls furthest, if further than with them; the heaviest only if
    /// by half further: the mean of the others is a little better without whoever is below it.
    Result<bool> leave_suspects(const std::vector<Suspects>& suspects, const StepLosses& now) {
        const std::int64_t fall = std::max<std::int64_t>(0, now.before - now.outer);
        std::optional<std::vector<std::size_t>> best;
        std::int64_t lowest = now.outer;
        for (const Suspects& each : suspects) {
            std::vector<std::size_t> rest = without(taken_, each.marks);
            const MergeSet set = subset(candidates_, rest);
            if (each.for_weight) {
                ASSIGN_OR_RETURN(const bool further, could_go_further(set, now.outer));
                if (!further) continue;
            }
            ASSIGN_OR_RETURN(const chain::MergeSteps steps, judge_.find_steps(set));
            ASSIGN_OR_RETURN(const StepLosses losses, judge_.losses(set, steps));
            const std::int64_t needed = now.outer - (each.for_weight ? fall / 2 : 0);
            if (losses.outer >= std::min(lowest, needed)) continue;
            lowest = losses.outer;
            best = std::move(rest);
        }
        if (!best) return false;
        taken_ = *std::move(best);
        return true;
    }

    /// Whether the others could go twice as far (as steps go on): one pass instead of a walk to
    /// their step.
    Result<bool> could_go_further(const MergeSet& others, std::int64_t loss) {
        const int twice = choice_.steps.outer_step + 2;
        ASSIGN_OR_RETURN(
            const std::int64_t there,
            judge_.loss(others, static_cast<std::uint8_t>(std::min<int>(twice, kOuterSteps))));
        return there < loss;
    }

    MergeJudge& judge_;
    const MergeSet& candidates_;
    std::vector<std::size_t> taken_;
    std::vector<Int128> alone_;  // of all candidates
    MergeChoice choice_;
    int opposed_tries_ = 0;
    int tries_ = 0;
    int looks_ = 0;
    std::size_t raising_ = 1;
};

}  // namespace

std::int64_t middle_share(std::vector<WeighedShare> shares) {
    std::ranges::sort(shares, {}, &WeighedShare::share);
    std::uint64_t all = 0, up_to = 0;
    for (const WeighedShare& one : shares) all += one.weight;
    for (const WeighedShare& one : shares) {
        up_to += one.weight;
        if (2 * up_to > all) return one.share;
    }
    return 0;
}

std::vector<bool> find_harmful(const std::vector<WeighedShare>& shares) {
    return find_below(shares, -std::max<std::int64_t>(0, middle_share(shares)) / 4);
}

std::vector<bool> find_lowest(const std::vector<WeighedShare>& shares, std::size_t count) {
    std::vector<std::size_t> order(shares.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return shares[i].share; });
    Marks marks(shares.size(), false);
    for (std::size_t i = 0; i < std::min(count, order.size()); ++i) marks[order[i]] = true;
    return marks;
}

std::vector<bool> find_opposed(const std::vector<WeighedShare>& shares) {
    const std::int64_t middle = middle_share(shares);
    return middle <= 0 ? Marks(shares.size(), false) : find_below(shares, -middle);
}

Result<MergeChoice> choose_merge(MergeJudge& judge, const MergeSet& candidates) {
    return Choice(judge, candidates).run();
}

}  // namespace cairn::consensus
