// Client: the side of a network that has layers computed by others. It hands what happens on its
// links to two state machines with one job each: ServerSearch finds out what servers hold,
// ClientSessions opens sessions at them and sends hidden states, one server a session. Both see one
// table of the links that are up, which is changed before either is told, so neither uses a link
// that is lost.
//
// Everything happens on the Loop; callbacks are called once each, from the loop.
#pragma once

#include "serve/client_sessions.h"
#include "serve/server_search.h"

namespace cairn::serve {

struct ClientOptions {
    std::uint64_t discover_ms = 5'000;  ///< to connect to servers and hear what they hold
    SessionTimeouts session;
};

class Client final : public net::NetworkHandler {
  public:
    /// All references must outlive it.
    Client(Loop& loop, net::Network& network, const Clock& clock, Random& random,
           const ClientOptions& options);

    Loop& loop() { return loop_; }
    const Clock& clock() const { return clock_; }
    ServerSearch& search() { return search_; }
    ClientSessions& sessions() { return sessions_; }

    /// A connection that was asked for came to nothing (net::TlsOptions::on_failed); the Network
    /// does not say so otherwise. Optional: without it the deadlines decide.
    void on_connect_failed(const std::string& address, const std::string& reason);

    void on_peer_up(net::PeerId peer, const net::PeerInfo& info) override;
    void on_peer_down(net::PeerId peer, const std::string& reason) override;
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override;

  private:
    Loop& loop_;
    const Clock& clock_;
    std::map<net::PeerId, net::PeerInfo> peers_;
    ServerSearch search_;
    ClientSessions sessions_;
};

}  // namespace cairn::serve
