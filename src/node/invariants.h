// What a node keeps true at every moment, one function for each property of docs/spec/chain.md,
// section 10 (I1, I2, ...). They only look. The simulator asks after every event; a running node
// asks when it starts, and now and then about what is new (invariant_watch.h), because a fault that
// is noticed early can still be traced to what caused it, and a node that is wrong should not go on
// paying and mining.
//
// A property that does not hold is an error whose message begins with its number. The loop's side
// and the ledger's are asked apart, because they belong to different threads.
#pragma once

#include "node/chain_state.h"
#include "node/mempool.h"
#include "node/peers.h"
#include "node/sync.h"

namespace cairn::node {

/// What the loop owns. Nothing is asked before the chain is restored.
struct LoopView {
    const ActiveChain& chain;
    const Mempool& pool;
    const PeerTable& peers;
    const PeerReads& reads;
    const MempoolLimits& pool_limits;
    const SyncOptions& sync;
};

// In constant time, but for the number of peers.
Status check_tip(const LoopView& view);        ///< I1
Status check_most_work(const LoopView& view);  ///< I2
Status check_bounds(const LoopView& view);     ///< I6

/// What was found in order already, and need not be looked at again: the time of a check must not
/// grow with the chain.
struct LookedAt {
    const BlockNode* tip = nullptr;  ///< the active chain up to here
    std::size_t headers = 0;         ///< so many of the tree's, in the order in which they came
};
/// Headers that one check looks at, at most, if some were looked at before: some milliseconds.
inline constexpr std::size_t kMaxNewHeaders = 4096;

// In the time that a walk over the headers takes, or over those only that `looked_at` does not
// have, which it has afterwards if they are in order; null: over all.
Status check_active_chain(const LoopView& view, LookedAt* looked_at = nullptr);  ///< I3
Status check_tree(const LoopView& view, LookedAt* looked_at = nullptr);          ///< I4
// In the time that a walk over the whole pool takes.
Status check_pool(const LoopView& view);  ///< I5

/// The first of I1, I2 and I6 that does not hold.
Status check_loop_quickly(const LoopView& view);
/// The first of I1 to I6 that does not hold.
Status check_loop(const LoopView& view, LookedAt* looked_at = nullptr);

// Between two steps of the chain. I7 and I10 take constant time but for the model's root; I8 and
// I9 walk over all coins; I11 asks the database.
Status check_state_root(const ChainState& state);    ///< I7
Status check_conservation(const ChainState& state);  ///< I8
Status check_coins_root(const ChainState& state);    ///< I9
Status check_round(const ChainState& state);         ///< I10
Status check_store(const ChainState& state);         ///< I11

/// The first of I7 to I11 that does not hold. I9 hashes every coin anew (a few microseconds
/// each), so it is only asked when `with_coins_root`.
Status check_ledger(const ChainState& state, bool with_coins_root);

/// The most that can have been minted up to a height: a full unit for every paid contribution.
std::uint64_t most_minted(const chain::NetworkDefinition& network, std::uint32_t height);

}  // namespace cairn::node
