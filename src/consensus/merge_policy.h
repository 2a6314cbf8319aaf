// What a miner's template leaves out of a merge. No rule demands it.
#pragma once

#include <cstdint>
#include <vector>

#include "consensus/merge_judge.h"

namespace cairn::consensus {

/// `shares` of the joint step's gain (MergeJudge::shares). Those that cost the others more than a
/// quarter of the middle one's share (all that cost them anything, where the middle one brings
/// nothing), of these the worse half, since the others may look better without them. Where together
/// they raise the loss, at least so many as `at_least` go, the worst. Smaller harm is let in: the
/// scores of honest contributions scatter. CHECKs that there are any.
std::vector<bool> find_harmful(const std::vector<std::int64_t>& shares, std::size_t at_least);

/// Those that stand against the rest: their share of the round's gain, as it is paid for (behind
/// the public step, and new), is below minus the middle one, where that is above 0; the middle by
/// weights (Scored::weight), so that copies are one voice. What everybody could do at once is such:
/// it lowers the loss now, which the shares without a public step praise, and undoes what the
/// others learnt. Honest scores scatter around 0 when little is gained, and seldom fall so low.
/// CHECKs that there are any.
std::vector<bool> find_opposed(const std::vector<Scored>& scores);

struct MergeChoice {
    std::vector<std::size_t> taken;  ///< of the candidates, ascending; may be empty
    chain::MergeSteps steps;
    /// Of every candidate, as it was last seen; of those opposed the share for which they went.
    std::vector<std::int64_t> shares;
    std::vector<bool> opposed;  ///< candidates that find_opposed left out
};

/// The contributions that a merge is better with: find_harmful's go, then find_opposed's, and then,
/// one by one, the one of the smallest share, where that is less than half of the middle one's and
/// the others lower the judge loss further without it. Takes a bounded number of passes, however
/// many harm: where together they raise the loss twice as many go each time, and few are tried one
/// by one.
Result<MergeChoice> choose_merge(MergeJudge& judge, const MergeSet& candidates);

}  // namespace cairn::consensus
