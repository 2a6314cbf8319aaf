// Turns what the rules report of a block into the records that the store keeps of it.
#pragma once

#include "consensus/ledger.h"
#include "store/records.h"

namespace cairn::node {

/// `undo` names the coins that the block spent.
store::BlockRecords block_records(const chain::NetworkDefinition& network, const Hash256& hash,
                                  const chain::Block& block, const consensus::BlockReport& report,
                                  const consensus::BlockUndo& undo);

/// The names under which the index of payments has a key's channels, apart from its coins: what
/// such a name received is in channels, what it spent has left them. As payer, and as payee.
crypto::PublicKey channels_from(const crypto::PublicKey& payer);
crypto::PublicKey channels_to(const crypto::PublicKey& payee);

store::ContributionRecord contribution_record(const consensus::ContributionReport& report,
                                              const consensus::BlockReport& block,
                                              const Hash256& hash);

}  // namespace cairn::node
