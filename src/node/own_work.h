// Between a node's trainer and its miner where every block has one winner: what the trainer has for
// the next block. Elsewhere contributions come from the pool.
#pragma once

#include <memory>

#include "chain/contribution.h"

namespace cairn::node {

struct OwnWork {
    enum class State {
        kNone,     ///< nobody trains here, or it came to nothing: search a block without
        kAwaited,  ///< do not search yet
        kMade,
    };
    State state = State::kNone;
    /// If it is made: whom the block must name as its miner, and what it carries.
    crypto::PublicKey key;
    std::shared_ptr<const chain::Contribution> contribution;
};

}  // namespace cairn::node
