// Payments of simulated people: a node's owner pays with what the node earned.
#pragma once

#include <optional>

#include "sim/world.h"

namespace cairn::sim {

/// Pays `amount` less `fee`, or what the coin has, of one coin that the node's key may spend now
/// and that its pool does not spend yet, to a key. nullopt without such a coin.
std::optional<chain::Payment> make_payment(World& world, int from, const crypto::PublicKey& to,
                                           std::uint64_t amount, std::uint64_t fee);

}  // namespace cairn::sim
