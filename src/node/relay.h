// Gossip of what is not a block: payments, commitments, contributions. Items are offered by id,
// asked for once (wanted_items.h), checked, pooled, and offered on. What was not asked for is not
// read. What cannot be pooled is not passed on, so nonsense travels one hop; nobody is dropped for
// it, except for bytes that do not decode and for forged signatures. Payments and payloads are
// checked on the chain lane: payments one at a time, the peers in turn, so that a block never waits
// behind more than one of them, and none is looked at closely that the pool would not take.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "base/clock.h"
#include "node/mempool.h"
#include "node/peers.h"
#include "node/stamp_work.h"
#include "node/wanted_items.h"

namespace cairn::node {

struct RelayOptions {
    WantedLimits wanted = {};
    std::size_t max_own_checks = 256;  ///< payments of our own that wait for the chain lane
    /// Of payloads that wait for the chain lane, all peers together.
    std::size_t max_checked_bytes = std::size_t{64} << 20;
    /// Payments of peers that may be ahead of us, judged again when blocks come.
    WaitingLimits ahead{.max_items = 256, .max_bytes = std::size_t{512} << 10};
};

class Relay {
  public:
    /// Called when something new entered the pool.
    using Listener = std::function<void(const Item&)>;

    Relay(const Clock& clock, Loop& loop, net::Network& network, ActiveChain& chain,
          Mempool& mempool, PeerTable& peers, RelayOptions options);

    void set_listener(Listener listener) { listener_ = std::move(listener); }
    /// Called for contributions that C5 refuses, with the reason.
    using OnRefused = std::function<void(const chain::Contribution&, const std::string&)>;
    void set_refusal_listener(OnRefused listener) { on_refused_ = std::move(listener); }

    /// Keeps a payment of our own over any end of this process, and says whether it could.
    using Keep = std::function<void(const ItemPtr&, std::function<void(const Status&)>)>;
    void set_keeper(Keep keep) { keep_ = std::move(keep); }

    void on_peer_ready(Peer& peer);
    void on_peer_down(net::PeerId peer);
    Status on_inventory(Peer& peer, ByteView body);
    Status on_get_items(Peer& peer, ByteView body);
    Status on_item(Peer& peer, ItemKind kind, ByteView body);

    /// Our own: pooled, kept, and only then offered to all peers and confirmed: who was told that
    /// he has paid, has paid. What cannot be kept is refused.
    void submit_payment(const chain::Payment& payment, std::function<void(Status)> answer);
    Mempool::Outcome submit(const chain::Commitment& commitment);
    /// kWaiting where it must still be decoded: what is wrong with it then, the listener hears.
    Mempool::Outcome submit(const chain::Contribution& contribution);

    /// Offers items that became valid with a new tip.
    void announce(const Item& item);
    /// After the pool was told. What was refused may be valid on the new tip.
    void on_tip(std::vector<WaitingRoom::Waiting> due);
    /// Takes a payload out of the pool that no block can pay for.
    void drop_contribution(const Hash256& id);
    /// Asks others for what was not delivered.
    void tick() { ask(); }
    /// How many items were offered, and are not here or not judged yet.
    std::size_t wanted() const { return wanted_.size(); }

  private:
    std::uint64_t now_ms() const { return clock_.monotonic_us() / 1000; }
    bool is_wanted(const Item& item) const;
    void ask();
    void ask_for_missing_payloads();
    struct PaymentCheck {
        ItemPtr item;
        Source from = kOurselves;
        std::function<void(Status)> answer;  // may be empty
        std::uint32_t since = 0;  // height of the next block when it was first refused; 0: never
    };
    void check_payment(PaymentCheck check);
    void next_payment();
    void check_signatures(PaymentCheck check);
    /// Keeps a payment of a peer that the next blocks may make good.
    void wait_for_blocks(const PaymentCheck& check);
    void end_check(const PaymentCheck& check, const Mempool::Outcome& outcome);
    void drop_forger(net::PeerId peer);
    void forget_payments(net::PeerId peer);
    void keep_payment(const ItemPtr& item, const Mempool::Outcome& outcome,
                      const std::function<void(Status)>& answer);
    void take_commitment(const ItemPtr& item, Source from);
    bool screen_commitment(const ItemPtr& item, Source from);
    Mempool::Outcome take_contribution(const ItemPtr& item, Source from);
    void check_contribution(const ItemPtr& item, Source from);
    void settle(const ItemPtr& item, Source from, const Mempool::Outcome& outcome);

    const Clock& clock_;
    net::Network& network_;
    ActiveChain& chain_;
    Mempool& mempool_;
    PeerTable& peers_;
    RelayOptions options_;
    Listener listener_;
    OnRefused on_refused_;
    Keep keep_;
    WantedItems wanted_;
    StampWork stamp_work_;
    SeenCache refused_{8192};     // of which nothing with the same id can be taken, until a new tip
    std::set<Hash256> checking_;  // payloads on the chain lane, by commitment
    std::size_t checking_bytes_ = 0;
    std::size_t own_checks_ = 0;
    std::map<Source, std::deque<PaymentCheck>> payments_waiting_;  // none empty
    Source last_checked_ = kOurselves;                             // of whom a payment was judged
    bool checking_payment_ = false;
    WaitingRoom ahead_;
    Alive alive_;
};

}  // namespace cairn::node
