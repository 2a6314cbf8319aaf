// Proof of work as a quantity: the expected number of hashes behind a target, and their sum over
// a chain, which is what fork choice compares (papers A: Def 7).
#pragma once

#include "chain/u256.h"

namespace cairn::consensus {

/// Expected hashes for one block: floor(2^256 / (target + 1)); 0 for a compact target that is
/// malformed.
chain::U256 block_work(std::uint32_t compact_target);

/// Work of a chain as 32 bytes, big-endian: compares as a number with <, and sorts in a database.
using ChainWork = Hash256;
ChainWork add_work(const ChainWork& before, std::uint32_t compact_target);

}  // namespace cairn::consensus
