// C2: what a body must satisfy whatever the state is: it belongs to its header, its lists are
// canonical and within size limits, its coinbase names the height and a miner who may mine,
// contributions come only at merge heights and commitments only at the others.
#pragma once

#include "base/verdict.h"
#include "chain/block.h"

namespace cairn::consensus {

/// Whether the body is the one that the header commits to. If not, the header may still be good:
/// ask somebody else for the body, and never remember the failure against the header's hash.
bool body_matches(const chain::Block& block);

/// Also refuses a body that does not match.
Verdict check_body(const chain::NetworkDefinition& network, const chain::Block& block,
                   std::uint32_t height);

}  // namespace cairn::consensus
