// What a share of the hash power can do: the published formulas of overtaking, the same played out
// by chance, how long a chain is slow after most of its miners left, and what headers cost on a
// branch whose targets ease with time. `cairn lab hashpower` prints it; docs/security.md says what
// it means.
#pragma once

#include <cstdint>

#include "base/random.h"
#include "chain/network.h"

namespace cairn::lab {

/// The chance that a miner with this share of the hash power (0 to 1) replaces `blocks` blocks by a
/// branch of its own, as Nakamoto gives it (Bitcoin, section 11: the attacker's progress is taken
/// as Poisson distributed) and as Rosenfeld does (Analysis of hashrate-based double spending, 2012:
/// exactly, with one block mined in advance). 1 from a half of the hash power on.
double nakamoto_overtakes(double share, unsigned blocks);
double rosenfeld_overtakes(double share, unsigned blocks);
/// Rosenfeld's attack, played `trials` times: the part of them in which it came about.
double played_overtakes(double share, unsigned blocks, unsigned trials, Random& random);

/// After a miner left that had made a chain's targets too hard for the rest of it.
struct Recovery {
    double first_block_s = 0;  ///< until the next block
    double seconds = 0;        ///< until blocks take no longer than two spacings again
    double blocks = 0;         ///< and how many that took
};
/// The mean of `trials` chains by the difficulty rule of `network`, where all miners had
/// `before` hashes a second and those who stay have `after`.
Recovery recovery(const chain::NetworkDefinition& network, double before, double after,
                  unsigned trials, Random& random);

/// Headers that leave a chain far back, ten spacings apart, so that each is as much easier than the
/// one before as a header may be.
struct CheapBranch {
    double hashes = 0;       ///< expected, for all of them
    double next_hashes = 0;  ///< for one more, and for every sibling of it
    double age_s = 0;        ///< so long ago the chain must be left: no time lies in the future
};
/// From a block that took `block_hashes`.
CheapBranch cheap_branch(const chain::NetworkDefinition& network, double block_hashes,
                         unsigned headers);

}  // namespace cairn::lab
