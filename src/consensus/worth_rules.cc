// CONSENSUS: changing a result here splits the network.
#include "consensus/worth_rules.h"

#include <algorithm>
#include <limits>

#include "base/int128.h"

namespace cairn::consensus {
namespace {

constexpr Int128 kMax = static_cast<Int128>(~Uint128{0} >> 1);

/// a * b, at most 2^127 - 1; neither is negative.
Int128 saturating_product(Int128 a, Int128 b) {
    if (a == 0 || b == 0) return 0;
    return a > kMax / b ? kMax : a * b;
}

/// a - b, at least -(2^127 - 1); b is not negative.
Int128 saturating_difference(Int128 a, Int128 b) {
    constexpr Int128 kMin = -kMax;
    return a < kMin + b ? kMin : a - b;
}

}  // namespace

Int128 novel_score(const chain::NetworkDefinition& network, const DeltaJudgement& delta,
                   const MergedJudgement& merged) {
    if (!network.novelty || merged.norm2 <= 0) return delta.score;
    const Int128 overlap = std::max<Int128>(0, delta.dot_merged);
    const Int128 c = saturating_product(overlap, Int128{1} << kNoveltyFractionBits) / merged.norm2;
    const Int128 repeated =
        saturating_product(c, std::max<Int128>(0, merged.score)) >> kNoveltyFractionBits;
    return saturating_difference(delta.score, repeated);
}

std::uint64_t worth_of(Int128 score, std::uint64_t norm) {
    if (score <= 0 || norm == 0) return 0;
    const Int128 worth = score / static_cast<Int128>(norm);
    constexpr Int128 kCap = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::uint64_t>(std::min(worth, kCap));
}

std::uint64_t worth_threshold(const Rules& rules, std::uint64_t worth_reference) {
    return std::max<std::uint64_t>(1, worth_reference / rules.worth_divisor);
}

Verdict check_worth(const Rules& rules, Int128 score, std::uint64_t worth,
                    std::uint64_t worth_reference) {
    if (score < 0)
        return Verdict::invalid(Rule::kC6,
                                "its score is negative: it leads up the judge batch's loss, or "
                                "only repeats what was merged before");
    if (worth >= worth_threshold(rules, worth_reference)) return Verdict::valid();
    return Verdict::invalid(Rule::kC6, "its worth of " + std::to_string(worth) +
                                           " is below the threshold of " +
                                           std::to_string(worth_threshold(rules, worth_reference)));
}

}  // namespace cairn::consensus
