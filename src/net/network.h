// The seam between a node and the wire. A Network carries (peer, kind, bytes) and knows nothing of
// blocks; the node sees peers that are already authenticated by their key. TlsNetwork
// (net/tls_network.h) is the real one; the simulator has another. All calls and callbacks happen
// on the node's Loop (base/loop.h).
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "crypto/keys.h"

namespace cairn::net {

/// A larger message body is refused by send() and never received.
inline constexpr std::size_t kMaxMessageBytes = std::size_t{16} << 20;

/// Kinds from here on belong to the link itself; send() refuses them.
inline constexpr std::uint16_t kFirstReservedKind = 0xFF00;

/// Names a connection of one Network while it lasts. Never 0, never used again.
using PeerId = std::uint64_t;

struct PeerInfo {
    /// Where it can be connected to, "host:port": the address we dialled, or the peer's host with
    /// the listening port that it named (empty if it does not listen).
    std::string address;
    crypto::PublicKey key;
    bool outbound = false;
};

/// What the node is told. A handler may call the Network from within any of these.
class NetworkHandler {
  public:
    virtual ~NetworkHandler() = default;
    virtual void on_peer_up(PeerId peer, const PeerInfo& info) = 0;
    /// Follows every on_peer_up exactly once, unless the Network is destroyed before.
    virtual void on_peer_down(PeerId peer, const std::string& reason) = 0;
    virtual void on_message(PeerId peer, std::uint16_t kind, Bytes body) = 0;
};

class Network {
  public:
    virtual ~Network() = default;
    /// Call before anything else. A handler that dies before the Network is replaced by nullptr.
    virtual void set_handler(NetworkHandler* handler) = 0;
    /// Tries once to reach "host:port". Success is an on_peer_up; failure is silent here (logged),
    /// so the caller retries with backoff (net/peer_book.h).
    virtual void connect(const std::string& address) = 0;
    /// Queues a message; per peer, messages arrive in order or not at all. False: unknown peer,
    /// body too large, reserved kind, or the peer's bounded queue is full.
    virtual bool send(PeerId peer, std::uint16_t kind, ByteView body) = 0;
    /// Drops the peer; its on_peer_down follows later, from the loop. Unknown peers are ignored.
    virtual void disconnect(PeerId peer) = 0;
    /// The peer just gave us something that we lacked: where places are scarce it keeps its own.
    virtual void mark_useful(PeerId) {}
    /// "host:port" where this node accepts connections; empty if it does not.
    virtual std::string listen_address() const = 0;
    /// Whether send() would take a body of so many bytes now: ask before an answer is made that
    /// costs more than the question.
    virtual bool has_room(PeerId, std::size_t) const { return true; }
};

}  // namespace cairn::net
