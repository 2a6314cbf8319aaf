// The unspent outputs, with a set hash that adding and removing update in O(1) (LtHash), so that
// every block commits to all coins.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "chain/payment.h"
#include "crypto/lthash.h"

namespace cairn::consensus {

struct Coin {
    chain::Output output;
    std::uint32_t height = 0;  ///< of the block that made it
    bool coinbase = false;     ///< made by a coinbase: can be spent only once it is mature
    bool operator==(const Coin&) const = default;
};

class CoinSet {
  public:
    using Map = std::map<chain::OutPoint, Coin>;

    /// nullptr if there is no such coin. Valid until the set changes.
    const Coin* find(const chain::OutPoint& outpoint) const;
    /// CHECKs that the outpoint is new.
    void add(const chain::OutPoint& outpoint, const Coin& coin);
    /// CHECKs that it exists; returns what it was.
    Coin remove(const chain::OutPoint& outpoint);

    Hash256 root() const { return hash_.digest(); }
    /// In order of outpoints.
    const Map& all() const { return coins_; }
    /// Those of which a key is the owner, or of a channel the payer or payee, in order.
    std::vector<chain::OutPoint> of(const crypto::PublicKey& key) const;
    std::size_t size() const { return coins_.size(); }

    void write(Writer& writer) const;
    /// Rebuilds the hash from the coins. Sorted, without duplicates, or refused.
    static Result<CoinSet> read(Reader& reader);

  private:
    Map coins_;
    std::set<std::pair<crypto::PublicKey, chain::OutPoint>> by_key_;  // no part of any hash
    crypto::LtHash hash_;
};

}  // namespace cairn::consensus
