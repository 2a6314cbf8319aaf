// C4: a commitment is signed, stamped, of this round, and the only one of its key.
#pragma once

#include "base/verdict.h"
#include "chain/commitment.h"
#include "chain/network.h"
#include "chain/u256.h"
#include "consensus/header_rules.h"
#include "consensus/rules_state.h"

namespace cairn::consensus {

/// What the stamps of a round rest on.
struct RoundStart {
    Hash256 block;             ///< the one before the round's first
    std::uint32_t target = 0;  ///< compact, of the round's first block
    std::uint32_t factor = 0;  ///< so many times easier than that block is a stamp
    bool operator==(const RoundStart&) const = default;
};
/// Of the round to which the block at context.height belongs; `rules` is the state before it.
RoundStart round_start(const chain::NetworkDefinition& network, const RulesState& rules,
                       const HeaderContext& context);
/// min(2^256 - 1, factor * target).
chain::U256 share_target(const RoundStart& start);

/// The factor of the next round: of a round with `commitments`, more than R_pay, the factor falls
/// in proportion, to a quarter and to 1 at most; else it rises by a quarter, to the network's
/// share_factor at most.
std::uint32_t next_stamp_factor(const chain::NetworkDefinition& network, std::uint32_t factor,
                                std::uint64_t commitments);

/// Whether a stamp's hash, which never changes, meets the share target. It is what takes long.
Verdict check_stamp(const RoundStart& start, const Hash256& stamp);

/// All of check_commitment() that can change with the tip, but for the stamp: the signature is left
/// out, which is good or bad for ever.
Verdict check_commitment_here(const chain::NetworkDefinition& network, const RulesState& rules,
                              const chain::Commitment& commitment, std::uint32_t height,
                              const RoundStart& start);

/// Judges one commitment for a block at `height`, whose round began with `start`. `rules` knows the
/// commitments that the round has already.
Verdict check_commitment(const chain::NetworkDefinition& network, const Hash256& genesis_id,
                         const RulesState& rules, const chain::Commitment& commitment,
                         std::uint32_t height, const RoundStart& start, Work work = Work::kUnknown);

}  // namespace cairn::consensus
