// Pay. A merged contribution earns up to one unit, by its worth beside the reference: nothing up to
// half of it, all from the reference on; and of that as much as it counts, so that one update under
// many keys earns about what it earns under one. Part goes to the miners of the block that carried
// its commitment and of the merge block, half each, and each half is minted only if that miner has
// a contribution in this block that earns: no coin without both proof of work and a gradient
// (papers A: Def 5), and a gradient that is worth nothing is none. What is not earned is not
// minted.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "chain/block.h"
#include "consensus/worth_rules.h"

namespace cairn::consensus {

/// One merged contribution, as pay sees it.
struct PaidContribution {
    crypto::PublicKey key;
    crypto::PublicKey carrier_miner;  ///< of the block that carried the commitment
    WeighedWorth weighed;
};

struct Pay {
    std::vector<std::uint64_t> rewards;  ///< of each contribution's own key, in their order
    std::uint64_t minted = 0;            ///< all of it, without fees
    std::vector<chain::Output> outputs;  ///< per key, sorted, fees included, none of zero
};

/// The unit in this round, after halvings.
std::uint64_t unit_at(const chain::NetworkDefinition& network, std::uint32_t round);

/// The coinbase's outputs of a block of this height. `contributions` is empty except at merge
/// heights.
Pay compute_pay(const chain::NetworkDefinition& network, std::uint32_t height,
                const crypto::PublicKey& miner, std::uint64_t fees,
                std::span<const PaidContribution> contributions, std::uint64_t worth_reference);

}  // namespace cairn::consensus
