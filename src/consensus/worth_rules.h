// C6: what one contribution is worth. Its score is how far it goes down the judge batch's
// slope, less the part that only repeats what recent merges did; worth is score per norm, so that
// scaling up earns nothing. Integers and floors only.
#pragma once

#include <cstdint>

#include "base/verdict.h"
#include "chain/network.h"
#include "consensus/model_seam.h"
#include "consensus/rules.h"

namespace cairn::consensus {

/// c is in units of 2^-32.
inline constexpr int kNoveltyFractionBits = 32;

/// S(d) - floor(c * max(0, S(M)) / 2^32), c = floor(max(0, <d, M>) * 2^32 / <M, M>). Products
/// saturate at 2^127 - 1, the difference at -(2^127 - 1). Without novelty, or if <M, M> = 0: S(d).
Int128 novel_score(const chain::NetworkDefinition& network, const DeltaJudgement& delta,
                   const MergedJudgement& merged);
/// floor(score / norm); 0 for scores or norms that are not positive, at most 2^63 - 1.
std::uint64_t worth_of(Int128 score, std::uint64_t norm);
/// max(1, w_ref / 16) under version 1.
std::uint64_t worth_threshold(const Rules& rules, std::uint64_t worth_reference);
Verdict check_worth(const Rules& rules, Int128 score, std::uint64_t worth,
                    std::uint64_t worth_reference);

/// The judge batch is drawn by the hash of the block before the merge block: nobody knew it when
/// the last commitment was carried.
inline Hash256 judge_seed(const Hash256& block_before_merge) { return block_before_merge; }

}  // namespace cairn::consensus
