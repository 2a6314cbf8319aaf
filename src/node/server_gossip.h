// Who serves layers, told from node to node: announcements that are new here are checked, their
// servers asked whether they answer (server_table.h), and then passed on to every peer that has not
// got them. A node asks each new peer once for all that it knows.
//
// A forged announcement ends the link, as whoever passes one on has checked it before. Everything
// else that is wrong with one (another network's, expired, too early after the last) is passed over
// in silence: clocks differ, and the peer may have had a reason.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "base/token_bucket.h"
#include "node/peers.h"
#include "node/server_table.h"

namespace cairn::node {

/// Asks what listens at "host:port" for its own announcement (serve/server_probe.h); the answer
/// comes once, on the loop.
using AskServer = std::function<void(const std::string& address,
                                     std::function<void(Result<serve::Announce>)> answer)>;

class ServerGossip {
  public:
    /// Without `ask` nothing that others announce is believed. The rest must outlive it.
    ServerGossip(const Clock& clock, net::Network& network, PeerTable& peers,
                 const Hash256& genesis, AskServer ask, ServerLimits limits = {});

    void on_peer_ready(Peer& peer);
    void on_peer_down(net::PeerId peer);
    Status on_get_servers(Peer& peer, ByteView body);
    /// kInvalid, for which the link is to be ended: no such message, or a forged signature.
    Status on_servers(Peer& peer, ByteView body);

    /// One that a server of this node made: told to all. kInvalid for one that others would not
    /// take.
    Status announce_own(const serve::Announce& record);

    /// Asks, tells and forgets. Call every second or so.
    void tick();

    const ServerTable& table() const { return table_; }
    /// Signatures that were looked at, for tests of its bounds.
    std::uint64_t checked() const { return checked_; }

  private:
    struct PeerState {
        bool told = false;  // all that we know, once
        /// Checked for it: at once (a peer that was just linked tells all), and a second.
        TokenBucket signatures{512, 64};
    };

    std::uint64_t now_ms() const { return clock_.monotonic_us() / 1000 + 1; }
    void ask();
    void tell(const std::vector<crypto::PublicKey>& keys, net::PeerId to);
    void tell_all(const std::vector<crypto::PublicKey>& keys);

    const Clock& clock_;
    net::Network& network_;
    PeerTable& peers_;
    AskServer ask_;
    ServerTable table_;
    std::map<net::PeerId, PeerState> states_;
    std::set<crypto::PublicKey> news_;  // newer records of servers that are known already
    TokenBucket questions_{16, 4};      // to servers: strangers choose the addresses that we dial
    std::uint64_t checked_ = 0;
    Alive alive_;
};

}  // namespace cairn::node
