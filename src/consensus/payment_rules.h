// C3: a payment spends coins that exist, are mature and belong to its signers, and makes no more
// than it spends; what it leaves over is the miner's fee. A channel is closed by its payee below
// its expiry: the voucher's amount less the fee to the payee, the rest to the payer. From the
// expiry on it is the payer's. So at every height one of the two may spend it, and never both.
#pragma once

#include <cstdint>

#include "base/verdict.h"
#include "chain/network.h"
#include "consensus/coins.h"

namespace cairn::consensus {

/// Judges one payment against the coins, for a block at `height`, but for its signatures. `fee`
/// (may be null) gets what it leaves over. Coins made in the same block do not count: a block's
/// payments cannot build on each other, which keeps their order free (sorted by id) and their
/// checks independent.
Verdict check_spending(const chain::NetworkDefinition& network, const CoinSet& coins,
                       const chain::Payment& payment, std::uint32_t height, std::uint64_t* fee);

/// The signatures of a payment for which check_spending is valid: nearly all of the time that
/// judging takes, up to 256 of them. The verdict is the same on every branch, for an input names
/// the payment or coinbase that made the coin, and with it the key.
Verdict check_signatures(const Hash256& genesis_id, const CoinSet& coins,
                         const chain::Payment& payment);

/// What a payment leaves over, without judging it: 0 where a coin is missing or it leaves nothing.
std::uint64_t fee_of(const CoinSet& coins, const chain::Payment& payment);

}  // namespace cairn::consensus
