// Between a node's trainer and its miner where every block has one winner: what the trainer has for
// the next block. Elsewhere contributions come from the pool.
#pragma once

#include <cstdint>
#include <memory>

#include "chain/contribution.h"

namespace cairn::node {

/// A run ends, and the miner waits no longer for it, when this part (a quarter) of a block's time
/// has gone by: while trainers train, whoever does not train has all of the hash power that
/// searches.
inline constexpr std::uint64_t kOwnWorkPart = 4;

struct OwnWork {
    enum class State {
        kNone,     ///< nobody trains here, or it came to nothing: search a block without
        kAwaited,  ///< do not search yet, or not for long
        kMade,
    };
    State state = State::kNone;
    /// If it is made: whom the block must name as its miner, and what it carries.
    crypto::PublicKey key;
    std::shared_ptr<const chain::Contribution> contribution;
};

}  // namespace cairn::node
