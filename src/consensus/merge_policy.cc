#include "consensus/merge_policy.h"

#include <algorithm>

#include "base/check.h"

namespace cairn::consensus {
namespace {

/// How often those that stand against the rest are left out, and how many contributions are tried
/// one by one, at most.
constexpr int kTries = 8;

MergeSet subset(const MergeSet& all, const std::vector<std::size_t>& taken) {
    MergeSet set;
    for (const std::size_t index : taken) set.ids.push_back(all.ids[index]);
    set.delta = [&all, taken](std::size_t index) { return all.delta(taken.at(index)); };
    return set;
}

void keep_only(std::vector<std::size_t>& taken, const std::vector<bool>& leave) {
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < taken.size(); ++i) {
        if (!leave[i]) kept.push_back(taken[i]);
    }
    taken = std::move(kept);
}

}  // namespace

std::vector<bool> find_harmful(const std::vector<std::int64_t>& shares, std::size_t at_least) {
    CHECK(!shares.empty());
    std::vector<std::int64_t> sorted = shares;
    std::sort(sorted.begin(), sorted.end());
    const std::int64_t allowed = -std::max<std::int64_t>(0, sorted[sorted.size() / 2]) / 4;
    const auto harmful = static_cast<std::size_t>(
        std::lower_bound(sorted.begin(), sorted.end(), allowed) - sorted.begin());
    const std::size_t leave = std::min(shares.size(), std::max((harmful + 1) / 2, at_least));
    std::vector<bool> result(shares.size(), false);
    std::size_t marked = 0;
    for (std::size_t i = 0; i < shares.size() && marked < leave; ++i) {
        if (shares[i] > sorted[leave - 1]) continue;
        result[i] = true;
        ++marked;
    }
    return result;
}

std::vector<bool> find_opposed(const std::vector<Scored>& scores) {
    CHECK(!scores.empty());
    std::vector<std::pair<std::int64_t, std::uint64_t>> by_share;  // with weights
    std::uint64_t all = 0;
    for (const Scored& scored : scores) {
        by_share.emplace_back(scored.share, scored.weight);
        all += scored.weight;
    }
    std::ranges::sort(by_share);
    std::uint64_t up_to = 0;
    const auto middle = std::ranges::find_if(by_share, [&](const auto& each) {
        up_to += each.second;
        return 2 * up_to > all;
    });
    std::vector<bool> opposed(scores.size(), false);
    if (middle == by_share.end() || middle->first <= 0) return opposed;
    for (std::size_t i = 0; i < scores.size(); ++i) opposed[i] = scores[i].share < -middle->first;
    return opposed;
}

Result<MergeChoice> choose_merge(MergeJudge& judge, const MergeSet& candidates) {
    MergeChoice choice;
    choice.shares.assign(candidates.ids.size(), 0);
    choice.opposed.assign(candidates.ids.size(), false);
    for (std::size_t i = 0; i < candidates.ids.size(); ++i) choice.taken.push_back(i);
    std::size_t raising = 1;
    int tries = 0, opposed_tries = 0;
    while (!choice.taken.empty()) {
        const MergeSet set = subset(candidates, choice.taken);
        ASSIGN_OR_RETURN(choice.steps, judge.find_steps(set));
        ASSIGN_OR_RETURN(const StepLosses losses, judge.losses(set, choice.steps));
        ASSIGN_OR_RETURN(const auto shares, judge.shares(set, choice.steps.outer_step));
        for (std::size_t i = 0; i < shares.size(); ++i) choice.shares[choice.taken[i]] = shares[i];
        if (!check_steps(choice.steps, losses).is_valid()) {
            keep_only(choice.taken, find_harmful(shares, raising));
            raising *= 2;
            continue;
        }
        const std::vector<bool> harmful = find_harmful(shares, 0);
        if (std::find(harmful.begin(), harmful.end(), true) != harmful.end()) {
            keep_only(choice.taken, harmful);
            continue;
        }
        if (opposed_tries < kTries) {
            ASSIGN_OR_RETURN(const std::vector<Scored> scores, judge.scores(set, choice.steps));
            const std::vector<bool> opposed = find_opposed(scores);
            if (std::ranges::find(opposed, true) != opposed.end()) {
                ++opposed_tries;
                for (std::size_t i = 0; i < opposed.size(); ++i) {
                    if (!opposed[i]) continue;
                    choice.opposed[choice.taken[i]] = true;
                    choice.shares[choice.taken[i]] = scores[i].share;
                }
                keep_only(choice.taken, opposed);
                continue;
            }
        }
        std::vector<std::int64_t> sorted = shares;
        std::sort(sorted.begin(), sorted.end());
        if (sorted.front() >= sorted[sorted.size() / 2] / 2 || tries++ == kTries) return choice;
        std::vector<bool> worst(shares.size(), false);
        worst[static_cast<std::size_t>(std::min_element(shares.begin(), shares.end()) -
                                       shares.begin())] = true;
        std::vector<std::size_t> rest = choice.taken;
        keep_only(rest, worst);
        const MergeSet without = subset(candidates, rest);
        ASSIGN_OR_RETURN(const chain::MergeSteps steps, judge.find_steps(without));
        ASSIGN_OR_RETURN(const StepLosses lower, judge.losses(without, steps));
        if (lower.outer >= losses.outer) return choice;
        choice.taken = std::move(rest);
    }
    choice.steps = {};
    return choice;
}

}  // namespace cairn::consensus
