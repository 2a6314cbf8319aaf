// What cannot be judged yet, but may be after the next few blocks: a commitment of the round after
// this one, a payload whose commitment no block has carried. Strangers can fill it, so every peer
// has a share: when it is full, the oldest item of whoever holds most gives way, never one of a
// peer that holds less. Items whose commitment is in the pool were paid for with a stamp and stay
// longer than those that were not.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <vector>

#include "net/network.h"
#include "node/pooled_item.h"

namespace cairn::node {

/// Whom an item came from: a peer, or this node itself.
using Source = net::PeerId;
inline constexpr Source kOurselves = 0;

struct WaitingLimits {
    std::size_t max_items = 2048;
    std::size_t max_bytes = std::size_t{32} << 20;
};

class WaitingRoom {
  public:
    struct Waiting {
        ItemPtr item;
        Source source = kOurselves;
        std::uint32_t since = 0;  ///< height of the next block when it came
        bool promised = false;    ///< a payload which its commitment, in the pool, promises
    };

    explicit WaitingRoom(WaitingLimits limits) : limits_(limits) {}

    /// An id is kept once for each source: who sends something else under it displaces nobody.
    void add(Waiting waiting);
    bool contains(const Item& name) const { return names_.contains(name); }
    std::size_t size() const { return items_.size(); }
    std::size_t bytes() const { return bytes_; }
    /// Hands over everything, the oldest first, and is empty then.
    std::vector<Waiting> take_all();

  private:
    using Place = std::list<Waiting>::iterator;
    void remove(Place place);
    void evict();

    WaitingLimits limits_;
    std::list<Waiting> items_;  // the oldest first
    std::map<Item, std::size_t> names_;
    std::map<Source, std::size_t> held_;  // bytes and kItemBytes for each item
    std::size_t bytes_ = 0;
};

}  // namespace cairn::node
