// How much memory a node of a network takes, before it loads anything: a definition may come from a
// stranger, and who runs out of memory is killed without a word.
#pragma once

#include <cstdint>

#include "chain/network.h"

namespace cairn::node {

/// Bytes, roughly: the chain's state and its copies, what takes the latest merges back, passes over
/// texts, and a snapshot while it is written. `trains`: the node also takes local steps.
std::uint64_t memory_needed(const chain::NetworkDefinition& network, bool trains);

}  // namespace cairn::node
