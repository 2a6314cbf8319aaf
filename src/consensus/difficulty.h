// The difficulty rule, relative to the parent: T = T_parent * 2^((min(dt, 10 s) - s) / halflife)
// with s the spacing and dt the parent's time minus the grandparent's. It follows hash power up
// and down within a few half-lives and needs no schedule, so a network of laptops goes on after a
// weekend without miners. A block eases by nine spacings at most and hardens by one, since
// C1 lets no time be before the parent's. What all blocks together count never exceeds the time
// that passed, so false timestamps make no block easier; and they harden none, for a miner who
// holds the time back only leaves more of it to the next block.
#pragma once

#include <cstdint>

#include "chain/network.h"

namespace cairn::consensus {

/// floor(2^(fraction / 2^16) * 2^32), exactly: the product of the constants 2^(2^-i) for the bits
/// of the fraction, at 63 bits.
std::uint64_t exp2_fraction_q32(std::uint16_t fraction);

/// The compact target that follows `parent_target` after dt_ms = parent time - grandparent time,
/// never easier than the network's limit.
std::uint32_t next_target(const chain::NetworkDefinition& network, std::uint32_t parent_target,
                          std::int64_t dt_ms);

}  // namespace cairn::consensus
