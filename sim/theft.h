// A thief of payloads: it waits for somebody's promise to be carried, copies its hash into a
// promise of its own, and hands in the payload once it is revealed; or promises it anew then.
#pragma once

#include <optional>
#include <string>

#include "sim/world.h"

namespace cairn::sim {

struct Theft {
    Hash256 own_commitment;  ///< the thief's promise of the copied hash
    std::string refused;     ///< why the stolen payload was refused; empty: it was taken
    std::string too_late;    ///< why the promise of its own encoding was; empty: it was taken
};

/// A commitment of this key with stamp and signature, for the block after the node's tip.
chain::Commitment promise(World& world, int thief, std::uint32_t round, const Hash256& hash);

/// Tries it once, in the current round or the next; nothing if that gave no opportunity.
std::optional<Theft> steal(World& world, int thief);

}  // namespace cairn::sim
