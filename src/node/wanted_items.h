// Which offered items are still wanted, who offered each, and whom to ask for it. Pure bookkeeping:
// the relay sends and receives.
//
// Every peer has its own list of offers and its own window of open questions, so whoever offers a
// thousand items and delivers none delays nobody's but its own. What is not delivered in time is
// asked of another who offered it: first of those that have failed least, and of those first of the
// peers that we chose. Each failure halves a peer's window and the time that it has to answer.
// Nobody is waited for while a better peer offers the same: the ids of payloads are known before
// the payloads, so a stranger can always be the first to offer one.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <vector>

#include "net/network.h"
#include "node/pooled_item.h"

namespace cairn::node {

struct WantedLimits {
    std::size_t max_offers = 6'144;  ///< of one peer; more than an honest pool can hold
    std::size_t window = 64;         ///< open questions to one peer
    std::uint64_t timeout_ms = 2'000;
    std::uint64_t payload_timeout_ms = 5'000;
};

class WantedItems {
  public:
    explicit WantedItems(WantedLimits limits) : limits_(limits) {}

    /// `peer` has the item, which we lack. `chosen`: we wanted to be linked to it.
    void offer(net::PeerId peer, bool chosen, const Item& item);
    /// What to ask of whom now.
    std::map<net::PeerId, std::vector<Item>> next_questions(std::uint64_t now_ms);
    /// An item came. True once for each time that this peer was asked for it, however late.
    bool delivered(net::PeerId peer, const Item& item);
    /// What the peer delivered was bad, though another's may be good.
    void refused(net::PeerId peer, const Item& item);
    /// It is in the pool.
    void taken(net::PeerId from, const Item& item);
    /// Nobody's will be taken.
    void forget(const Item& item);
    /// Its link is gone. What it delivered and is being judged is still to be taken or refused. In
    /// the time that a walk over its own offers takes.
    void remove_peer(net::PeerId peer);

    std::size_t size() const { return wants_.size(); }

  private:
    struct Want {
        std::vector<net::PeerId> offered_by;  ///< in the order in which they offered it
        net::PeerId asked = 0;                ///< 0: nobody
        std::uint64_t due_ms = 0;             ///< when another is asked instead
        bool arrived = false;                 ///< from whom was asked, and is being judged
    };
    struct Source {
        bool chosen = false;
        std::set<Item> offers;      ///< wants that name it
        std::set<Item> open;        ///< wants for which it is asked, or whose item is judged
        unsigned failures = 0;      ///< lately: a success halves them
        std::deque<Item> queue;     ///< to be asked of it, unless another is by then
        std::set<Item> unanswered;  ///< asked of it and never delivered, at most kMaxUnanswered
    };
    using Wants = std::map<Item, Want>;

    std::pair<unsigned, bool> standing(net::PeerId peer) const;
    bool takes_over(const Source& peer, const Source& asked) const;
    std::vector<net::PeerId> best_first() const;
    void expire(std::uint64_t now_ms);
    void note_failure(net::PeerId peer);
    void fail(Wants::iterator want, net::PeerId failed);
    void ask_another(Wants::iterator want);
    void close_question(Wants::iterator want);
    void erase(Wants::iterator want);
    std::uint64_t patience_ms(const Source& source, ItemKind kind) const;

    WantedLimits limits_;
    Wants wants_;
    std::map<net::PeerId, Source> sources_;
    std::set<std::pair<std::uint64_t, Item>> due_;  // of all questions that are not answered
};

}  // namespace cairn::node
