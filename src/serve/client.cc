#include "serve/client.h"

namespace cairn::serve {

Client::Client(Loop& loop, net::Network& network, const Clock& clock, Random& random,
               const ClientOptions& options)
    : loop_(loop),
      clock_(clock),
      search_(loop, network, clock, peers_, options.discover_ms),
      sessions_(loop, network, clock, random, peers_, options.session) {}

void Client::on_peer_up(net::PeerId peer, const net::PeerInfo& info) {
    peers_[peer] = info;
    sessions_.on_peer_up(peer, info);
    search_.on_peer_up(peer, info);
}

void Client::on_peer_down(net::PeerId peer, const std::string& reason) {
    peers_.erase(peer);
    sessions_.on_peer_down(peer, reason);
    search_.on_peer_down(peer, reason);
}

void Client::on_connect_failed(const std::string& address, const std::string& reason) {
    sessions_.on_connect_failed(address, reason);
    search_.on_connect_failed(address, reason);
}

void Client::on_message(net::PeerId peer, std::uint16_t kind, Bytes body) {
    const auto message = static_cast<MessageKind>(kind);
    if (message == MessageKind::kAnnounce)
        search_.on_announce(peer, body);
    else
        sessions_.on_message(peer, message, body);
}

}  // namespace cairn::serve
