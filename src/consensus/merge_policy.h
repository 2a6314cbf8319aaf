// What a miner's template leaves out of a merge. No rule demands it.
#pragma once

#include <cstdint>
#include <vector>

#include "consensus/merge_judge.h"

namespace cairn::consensus {

/// A share of a step's gain, and the weight of whose it is, over 2^16 (likeness.h).
struct WeighedShare {
    std::int64_t share = 0;
    std::uint32_t weight = 0;
};

/// The median by weights, so that copies are one voice; 0 of none, and where they weigh nothing.
std::int64_t middle_share(std::vector<WeighedShare> shares);

/// Those that cost the others more than a quarter of what the middle one brings (all that cost them
/// anything, where the middle one brings nothing), by their shares of the joint step's gain
/// (MergeJudge::shares). Smaller harm is let in: the scores of honest contributions scatter.
std::vector<bool> find_harmful(const std::vector<WeighedShare>& shares);

/// The lowest shares, as many as `count`, but at most all.
std::vector<bool> find_lowest(const std::vector<WeighedShare>& shares, std::size_t count);

/// Those that stand against the rest: their share of the round's gain, as it is paid for (behind
/// the public step, and new), is below minus the middle one, where that is above 0. What everybody
/// could do at once is such: it lowers the loss now, which the shares without a public step praise,
/// and undoes what the others learnt. Honest scores scatter around 0 when little is gained, and
/// seldom fall so low.
std::vector<bool> find_opposed(const std::vector<WeighedShare>& shares);

struct MergeChoice {
    std::vector<std::size_t> taken;  ///< of the candidates, ascending; may be empty
    chain::MergeSteps steps;
    /// Of every candidate, as it was last seen; of those opposed the share for which they went.
    std::vector<std::int64_t> shares;
    std::vector<bool> opposed;  ///< candidates that find_opposed left out
};

/// The contributions that a merge is better with. While it lowers the loss, find_opposed's go
/// first. Then, eight times at most, that set without which the loss falls furthest, of: all that
/// harm; all below half of the middle share; the lowest of these; all that alone go down less than
/// three quarters, half, or a quarter of what the best does; all that count at least three
/// quarters, or half, of one, being so little like the others; and each of the four heaviest with
/// its copies, if the loss falls half as far again (a direction that allows short steps only
/// praises itself at their middle). At last what harms goes in any case; and of contributions that
/// together raise the loss the lowest, twice as many each time. Takes some fifty looks at most,
/// most of them one.
Result<MergeChoice> choose_merge(MergeJudge& judge, const MergeSet& candidates);

}  // namespace cairn::consensus
