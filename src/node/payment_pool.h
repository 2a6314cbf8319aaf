// The payments that wait for a block, ordered by what they pay for each byte. A payment never needs
// another that waits (a block's payments cannot build on each other), so the fee per byte alone
// decides: who comes in while there is room, who goes when there is none, and which of two that
// spend the same coin stays.
//
// A payment that spends a coin of waiting ones replaces them if it pays more for each byte than
// every one of them, and in all at least as much as they do together and the least fee for its own
// bytes besides. So each replacement pays for having been sent through the network.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "node/pooled_item.h"

namespace cairn::node {

struct PaymentPoolLimits {
    std::size_t max_payments = 4096;
    std::size_t max_bytes = std::size_t{8} << 20;
    std::uint64_t min_fee_rate = 1;  ///< smallest units for each byte
};

class PaymentPool {
  public:
    explicit PaymentPool(PaymentPoolLimits limits) : limits_(limits) {}

    /// Empty if it came in; else a sentence: why not. `item` is a payment that is valid on the tip
    /// and leaves `fee`, and that is not here.
    std::string add(const ItemPtr& item, std::uint64_t fee);
    /// What add() would say, before anybody has looked at the signatures.
    std::string why_not(const ItemPtr& item, std::uint64_t fee) const;
    void remove(const Hash256& id);
    /// Whatever spends this coin.
    void remove_spender(const chain::OutPoint& coin);

    /// Null if it is not here.
    ItemPtr find(const Hash256& id) const;
    /// 0 if it is not here.
    std::uint64_t fee_of(const Hash256& id) const;
    bool contains(const Hash256& id) const { return payments_.contains(id); }
    bool spends(const chain::OutPoint& coin) const { return spent_.contains(coin); }
    std::size_t size() const { return payments_.size(); }
    /// The highest fee per byte first.
    std::vector<ItemPtr> by_fee_rate() const;
    /// What a payment must pay for each byte to be among the first `payments` and `bytes`: a bit
    /// more than who is last of them now, or the least fee if they are not reached.
    std::uint64_t fee_rate_within(std::size_t payments, std::size_t bytes) const;

  private:
    struct Priced {
        std::uint64_t fee = 0;
        std::size_t bytes = 0;
        Hash256 id;
        /// The lowest fee per byte first, so the one to evict.
        bool operator<(const Priced& other) const;
    };
    struct Entry {
        ItemPtr item;
        std::uint64_t fee = 0;
    };
    static Priced priced(const Entry& entry);
    struct Room {
        std::string why_not;
        std::set<Hash256> replaced{};
        std::vector<Hash256> evicted{};
    };
    Room room_for(const Entry& entry) const;
    std::set<Hash256> conflicts_of(const chain::Payment& payment) const;
    std::string why_not_replace(const std::set<Hash256>& others, const Priced& by) const;
    /// Whom to evict so that it fits once `replaced` are gone; false if that costs somebody who
    /// pays as much for each byte.
    bool make_room(const Priced& newcomer, const std::set<Hash256>& replaced,
                   std::vector<Hash256>& evicted) const;

    PaymentPoolLimits limits_;
    std::map<Hash256, Entry> payments_;
    std::map<chain::OutPoint, Hash256> spent_;
    std::set<Priced> order_;
    std::size_t bytes_ = 0;
};

}  // namespace cairn::node
