// A thief of payloads: it waits until somebody's commitment is in a block, copies its hash into a
// commitment of its own, and hands in the payload once it is revealed, or commits to it anew then.
#pragma once

#include <optional>
#include <string>

#include "sim/world.h"

namespace cairn::sim {

struct Theft {
    Hash256 own_commitment;  ///< the thief's commitment to the copied hash
    std::string refused;     ///< why the stolen payload was refused; empty: it was taken
    std::string too_late;    ///< why its commitment to the revealed payload was; empty: taken
};

/// A commitment to `hash` with the thief's key, stamp and signature, for the block after its tip.
chain::Commitment promise(World& world, int thief, std::uint32_t round, const Hash256& hash);

/// Tries a theft once, in this round or the next; nullopt if there was no opportunity.
std::optional<Theft> steal(World& world, int thief);

}  // namespace cairn::sim
