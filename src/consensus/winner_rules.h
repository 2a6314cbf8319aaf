// Networks of one winner a block (M = 1; papers A: Def 4, A4). A block there carries at
// most one contribution, by the miner of the block, which becomes part of the model as it is. No
// commitment comes before it: the proof of work binds it, and nobody can copy it out of a block
// that is not mined yet. So the block itself is its commitment, with the fields that a commitment
// has.
//
// Nothing measures what it is worth. Whoever searches a block knows its parent, and with that any
// batch that the parent draws, before he trains; and pay stands in the body, which the search
// begins with, so that no batch drawn by the block itself could set it (decisions, 215).
#pragma once

#include "base/verdict.h"
#include "chain/commitment.h"
#include "chain/contribution.h"
#include "chain/network.h"
#include "consensus/issuance.h"
#include "consensus/model_seam.h"
#include "consensus/rules.h"

namespace cairn::consensus {

/// Whose block on which parent.
struct WinnerPlace {
    Hash256 parent;
    std::uint32_t height = 0;  ///< of the block
    crypto::PublicKey miner;
};

/// The commitment that a block is to the payload in it: unsigned, with a nonce of 0.
chain::Commitment block_commitment(const chain::NetworkDefinition& network,
                                   const WinnerPlace& place, ByteView payload);

/// The contribution that a miner's block at this place carries.
chain::Contribution winner_contribution(const chain::NetworkDefinition& network,
                                        const Hash256& genesis_id, const WinnerPlace& place,
                                        Bytes payload, const crypto::SecretKey& secret,
                                        Random& random);

/// What C5 found of a block's contribution.
struct Won {
    chain::Commitment commitment;
    Hash256 payload_hash;
    Delta delta;  ///< D of C7: what the model moves by
    std::uint64_t norm = 0;
};

/// C5 of the contribution of a block at this place.
Verdict check_winner(const chain::NetworkDefinition& network, const Hash256& genesis_id,
                     const Rules& rules, const RulesState& state, const ModelSeam& model,
                     const WinnerPlace& place, const chain::Contribution& contribution, Won& won);

/// C6: what it is worth is 1, and it counts whole, so that section 8 gives its miner a unit.
inline constexpr WeighedWorth kWinnersWorth{.worth = 1, .weight = 1U << 16};

/// What C8 reads of it.
PaidContribution paid_winner(const Won& won);
/// What the round leaves for later ones.
RoundRecord record_of(const Won& won);

}  // namespace cairn::consensus
