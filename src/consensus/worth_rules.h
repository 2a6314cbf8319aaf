// C6: what contributions are worth. Integers in, integers out; the model has been asked before.
//
// A round's gain is shared by what each contribution brings in the middle of the joint step D,
// behind the public step P, which anybody could take at once: with g the judge gradient at
// theta + P + D/2, S(d) = -<g, d>. Shares of one round, each times its weight, add up to what D
// gains there. Only what recent merges did not bring before counts, and those who are alike share
// one place (likeness.h).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "consensus/model_seam.h"

namespace cairn::consensus {

/// -<gradient, delta>.
Int128 first_order_gain(const Delta& gradient, const Delta& delta);

/// What recent merges brought before: how much of a score only repeats them.
class Repeated {
  public:
    /// Solves G y = s, with G the inner products of the merges and s their scores by `gradient`.
    /// Merges of norm 0 are left out.
    Repeated(std::vector<std::span<const std::int32_t>> merges, const Delta& gradient);
    /// max(0, the score of delta's projection on the span of the merges): floor(sum over j of
    /// <delta, M_j> Y_j / 2^32), Y_j = floor(y_j * 2^32).
    Int128 score_of(const Delta& delta) const;

  private:
    std::vector<std::span<const std::int32_t>> merges_;
    std::vector<Int128> factors_;  // Y
};

/// raw - repeated, saturating at -(2^127 - 1).
Int128 novel_score(Int128 raw, Int128 repeated);

/// A contribution's part of the gain of all, were it one that counts whole, in units of the loss
/// (2^-20 nats, summed over the scoring batch): floor(score * step / (weight * 2^20)), `step` and
/// `weight`, of all together, over 2^16; within +-(2^63 - 1). CHECKs weight > 0.
std::int64_t share_of_gain(Int128 score, std::uint32_t step, std::uint64_t weight);

/// What a contribution is worth, and as how much of one it counts.
struct WeighedWorth {
    std::uint64_t worth = 0;   ///< its share, 0 for those below 0
    std::uint32_t weight = 0;  ///< over 2^16 (likeness.h)

    auto operator<=>(const WeighedWorth&) const = default;
};

/// The median of a round, in which each counts worth * weight: the largest worth such that those
/// worth at least as much bring half of all; 0 of none. Keys are cheap, so a median of the keys
/// could be made anything by more than half of them; this one only by who brings half of the gain.
std::uint64_t median_of(std::vector<WeighedWorth> worths);
/// w_ref: the larger of this round's median and a quarter of the mean of `recent_medians` (none:
/// 0). So where a miner leaves the better ones out, cheap work is still measured by a quarter of
/// what earlier rounds brought. (Not more: at first a round gains half of what the last one did.)
std::uint64_t worth_reference(std::uint64_t median_now,
                              std::span<const std::uint64_t> recent_medians);
/// How many parts of w_ref are paid: 0 up to half of it, then rising to all of it at w_ref. Nothing
/// where the reference is 0: where most bring nothing, what little the others bring is chance.
std::uint64_t paid_part(std::uint64_t worth, std::uint64_t reference);

/// The judge batches are drawn by the hash of the block before the merge block: nobody knew it when
/// the last commitment was carried.
inline Hash256 judge_seed(const Hash256& block_before_merge) { return block_before_merge; }

}  // namespace cairn::consensus
