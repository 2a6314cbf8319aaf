// C5: a contribution keeps a promise of this round on this chain: its commitment was carried,
// the payload is the promised one, was not merged in recent rounds, decodes, and has a norm like
// other people's.
#pragma once

#include "base/verdict.h"
#include "chain/contribution.h"
#include "chain/network.h"
#include "consensus/model_seam.h"
#include "consensus/rules.h"

namespace cairn::consensus {

/// Whether it is what a commitment of this key promised, signed by it: what can be said before a
/// block has carried the commitment.
Verdict check_promise(const chain::NetworkDefinition& network, const Hash256& genesis_id,
                      const chain::Commitment& commitment, const chain::Contribution& contribution);
/// Whether its payload was not merged in the recorded rounds.
Verdict check_not_merged(const RulesState& rules, const chain::Contribution& contribution);
/// Without the model: commitment, signature, payload.
Verdict check_contribution(const chain::NetworkDefinition& network, const Hash256& genesis_id,
                           const RulesState& rules, const chain::Contribution& contribution);

/// Which norms are like other people's: under version 1, with m the mean norm, 4 * norm >= m and
/// norm <= 2 * m.
struct NormBand {
    std::uint64_t least = 0;
    std::uint64_t most = 0;
};
NormBand norm_band(const Rules& rules, std::uint64_t mean_norm);
Verdict check_norm(const Rules& rules, std::uint64_t norm, std::uint64_t mean_norm);

}  // namespace cairn::consensus
