// The keys that a node earns with. Mostly one: what it mines and contributes is paid to its key.
// With fresh keys every block and every contribution has one of its own, so that a stranger cannot
// tell which of them were made by one node. Which key comes next is read off the chain's index of
// payments, not counted: keys of blocks that were lost and of contributions that were not paid come
// back, so no key ever lies beyond where a restored wallet looks (wallet::kGap). That index is on
// disk, so only jobs of the chain lane may ask: they have the ChainState.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "crypto/keys.h"

namespace cairn::node {

class ChainState;

struct FreshKeys {
    /// Key number i of each use; a wallet's chains. Called on the chain lane.
    std::function<crypto::PublicKey(std::uint32_t)> coinbase;
    std::function<crypto::SecretKey(std::uint32_t)> contribution;
    /// How many were used already, as far as is known: where to begin looking.
    std::uint32_t coinbase_used = 0;
    std::uint32_t contribution_used = 0;
};

class OwnKeys {
  public:
    OwnKeys(const crypto::SecretKey& key, std::optional<FreshKeys> fresh);

    /// For the next block: the same until one with it is on the chain.
    crypto::PublicKey coinbase(const ChainState& state);
    /// For the contribution of a round: the same for the whole round.
    crypto::SecretKey contribution(const ChainState& state, std::uint32_t round);

    /// The key of a contribution to this round that was committed to before the node was started:
    /// contribution() gives it for that round if it is one of the next. Before anything is asked.
    void prefer(std::uint32_t round, const crypto::PublicKey& key) { preferred_ = {round, key}; }

    /// All that may have been paid so far.
    std::vector<crypto::PublicKey> known(const ChainState& state);

  private:
    using Knows = std::function<bool(std::uint32_t index)>;
    static void look(std::uint32_t& end, const Knows& paid);

    crypto::SecretKey key_;
    std::optional<FreshKeys> fresh_;
    std::uint32_t coinbase_end_ = 0;      // one more than the last that was paid
    std::uint32_t contribution_end_ = 0;  // the same for contributions
    std::optional<std::uint32_t> round_;  // the last one that contribution() was asked for
    std::optional<std::uint32_t> tried_;  // the number of its key
    std::optional<std::pair<std::uint32_t, crypto::PublicKey>> preferred_;
    // Of fresh keys, the first so many: deriving takes time.
    std::vector<crypto::PublicKey> coinbase_keys_, contribution_keys_;
};

}  // namespace cairn::node
