// Gossip of what is not a block: payments, commitments, contributions. Items are offered by id,
// asked of one peer at a time, checked, pooled, and offered on. What cannot be pooled is not passed
// on, so nonsense travels one hop. No peer is dropped for it, except for bytes that do not decode.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "base/clock.h"
#include "node/mempool.h"
#include "node/peers.h"

namespace cairn::node {

struct RelayOptions {
    std::uint64_t timeout_ms = 5'000;  ///< for an item that was asked for
    std::size_t max_asked = 4'096;
    std::size_t max_checks = 256;  ///< payments waiting for the chain lane
};

class Relay {
  public:
    /// Called when something new entered the pool.
    using Listener = std::function<void(const Item&)>;

    Relay(const Clock& clock, net::Network& network, ActiveChain& chain, Mempool& mempool,
          PeerTable& peers, RelayOptions options);

    void set_listener(Listener listener) { listener_ = std::move(listener); }
    /// Called for contributions that C5 refuses, with the reason.
    using OnRefused = std::function<void(const chain::Contribution&, const std::string&)>;
    void set_refusal_listener(OnRefused listener) { on_refused_ = std::move(listener); }

    void on_peer_ready(Peer& peer);
    Status on_inventory(Peer& peer, ByteView body);
    Status on_get_items(Peer& peer, ByteView body);
    Status on_item(Peer& peer, ItemKind kind, ByteView body);

    /// Our own: pooled and offered to all peers.
    void submit_payment(const chain::Payment& payment, std::function<void(Status)> answer);
    Mempool::Outcome submit(const chain::Commitment& commitment);
    Mempool::Outcome submit(const chain::Contribution& contribution);

    /// Offers items that became valid with a new tip.
    void announce(const Item& item);
    /// What was refused may be valid on the new tip.
    void on_tip() { refused_.clear(); }
    /// Asks others for what was not delivered.
    void tick();

  private:
    struct Asked {
        Item item;
        std::uint64_t since_ms = 0;
        net::PeerId peer = 0;
        std::vector<net::PeerId> others;  ///< who offered it too, at most kMaxOthers
    };
    static constexpr std::size_t kMaxOthers = 4;

    std::uint64_t now_ms() const { return clock_.monotonic_us() / 1000; }
    void settle(const Item& item, const Mempool::Outcome& outcome);

    const Clock& clock_;
    net::Network& network_;
    ActiveChain& chain_;
    Mempool& mempool_;
    PeerTable& peers_;
    RelayOptions options_;
    Listener listener_;
    OnRefused on_refused_;
    std::map<Hash256, Asked> asked_;
    SeenCache refused_{16'384};  // at this tip
    std::size_t checks_ = 0;
    Alive alive_;
};

}  // namespace cairn::node
