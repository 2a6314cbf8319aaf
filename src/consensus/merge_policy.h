// What a miner's template leaves out of a merge. No rule demands it.
#pragma once

#include <cstdint>
#include <vector>

namespace cairn::consensus {

/// `shares` of the joint step's gain (MergeJudge::shares). Those that cost the others more than a
/// quarter of the middle one's share (all that cost them anything, where the middle one brings
/// nothing), of these the worse half, since the others may look better without them. Where together
/// they raise the loss (`lowers` is false) the worst goes in any case. Smaller harm is let in: the
/// scores of honest contributions scatter. CHECKs that there are any.
std::vector<bool> find_harmful(const std::vector<std::int64_t>& shares, bool lowers);

}  // namespace cairn::consensus
