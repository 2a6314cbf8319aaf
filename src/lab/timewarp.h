// `cairn lab timewarp`: what false timestamps do to this chain's targets (docs/spec/chain.md,
// section 4, and C1), beside two other rules: the same targets where times need only be later than
// the median of eleven blocks, as in Bitcoin, and Bitcoin's own, under which a majority takes the
// difficulty down without bound (the timewarp attack). Blocks are found by chance and in virtual
// time, targets are computed by the chain's own function; no nonces are searched.
#pragma once

#include <cstdint>
#include <vector>

#include "chain/network.h"

namespace cairn::lab {

/// What a block's time must be later than.
enum class TimeRule { kParent, kMedianOfEleven };
const char* name_of(TimeRule rule);

enum class FalseTimes {
    kNone,    ///< the true time
    kAhead,   ///< as far ahead as others accept
    kBehind,  ///< the earliest that the rule allows
    kBoth,    ///< one and the other in turn
};
const char* name_of(FalseTimes times);

/// A chain counts as stopped once its blocks are so many times harder than fits its hash power.
inline constexpr double kStoppedAt = 64;

struct TimewarpCase {
    TimeRule rule = TimeRule::kParent;
    double alpha = 0;  ///< part of the chain's blocks that are the attacker's
    FalseTimes times = FalseTimes::kNone;
};

struct TimewarpOutcome {
    TimewarpCase given;
    double blocks_per_spacing = 0;  ///< with hash power that never changes; 1 is what is aimed at
    double easiest = 1;             ///< the easiest target, beside the one that fits the hash power
    double hardest = 1;
    std::uint32_t stopped_after = 0;  ///< blocks, if it stopped
    double stopped_hours = 0;
};

/// Plays `blocks` blocks, or until the chain has stopped.
TimewarpOutcome play_false_times(const chain::NetworkDefinition& network, const TimewarpCase& given,
                                 std::uint32_t blocks, std::uint64_t seed);

/// A majority of `alpha` that orphans all others holds the chain's time back for `held_blocks`,
/// while targets harden, and then leaves.
struct HeldOutcome {
    std::uint32_t held_blocks = 0;
    double attack_hours = 0;    ///< how long he needs the majority
    double harder = 1;          ///< the target that he leaves, beside the one that fits all
    double recovery_hours = 0;  ///< of those who remain, until their blocks take twice too long
};
HeldOutcome play_held_time(const chain::NetworkDefinition& network, double alpha,
                           std::uint32_t held_blocks, std::uint64_t seed);

/// Bitcoin's rule (2016 blocks of 600 s, at most a factor of 4, the first block of a period not
/// counted) under the timewarp of a miner who orphans all others: how many times easier the target
/// is after each of so many periods.
std::vector<double> play_bitcoin_timewarp(std::uint32_t periods);

}  // namespace cairn::lab
