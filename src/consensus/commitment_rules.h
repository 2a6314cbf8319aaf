// C4: a commitment is signed, stamped, of this round, and the only one of its key.
#pragma once

#include "base/verdict.h"
#include "chain/commitment.h"
#include "chain/network.h"
#include "chain/u256.h"
#include "consensus/header_rules.h"
#include "consensus/rules_state.h"

namespace cairn::consensus {

/// The compact target of the first block of the round to which the block at context.height belongs:
/// its own if it is that first block, else what `rules`, the state before it, remembers.
std::uint32_t round_first_target(const chain::NetworkDefinition& network, const RulesState& rules,
                                 const HeaderContext& context);
/// min(2^256 - 1, F * target of the round's first block).
chain::U256 share_target(const chain::NetworkDefinition& network, std::uint32_t first_target);

/// Whether a stamp's hash, which never changes, meets the share target. It is what takes long.
Verdict check_stamp(const chain::NetworkDefinition& network, std::uint32_t first_target,
                    const Hash256& stamp);

/// Judges one commitment for a block at `height`. `first_target` is the compact target of the
/// first block of that round (see above). `rules` knows the commitments that the round has already.
Verdict check_commitment(const chain::NetworkDefinition& network, const Hash256& genesis_id,
                         const RulesState& rules, const chain::Commitment& commitment,
                         std::uint32_t height, std::uint32_t first_target,
                         Work work = Work::kUnknown);

}  // namespace cairn::consensus
