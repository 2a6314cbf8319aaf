// One connection: dials or takes over a socket, does the TLS handshake and the exchange of hellos,
// then carries frames both ways until it is closed. TlsNetwork owns the links and decides who may
// be a peer; a link knows only its own two ends.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "net/hello.h"
#include "net/network.h"
#include "net/tls_identity.h"

namespace boost::asio {
class io_context;
}

namespace cairn::net {

/// The part of the options that a link needs; shared by all links of a network.
struct LinkSettings {
    std::size_t max_queue_bytes = 0;
    std::uint64_t handshake_timeout_ms = 0;
    std::uint64_t ping_after_ms = 0;
    std::uint64_t idle_timeout_ms = 0;
    Hash256 genesis{};
    bool any_genesis = false;  ///< a dialler takes the other side's (TlsOptions)
    crypto::PublicKey key{};
    /// Our signed hello for a session.
    std::function<Hello(Role role, const Hash256& channel, const Hash256& genesis)> make_hello;
};

/// A descriptor that a link takes over.
struct ConnectedSocket {
    int descriptor = -1;
    int family = 0;  ///< AF_INET, AF_INET6, or AF_UNIX: one end of a circuit
};

class Link;

/// What a link tells its owner, always from the loop. After on_link_closed nothing more comes.
class LinkOwner {
  public:
    virtual ~LinkOwner() = default;
    /// The peer's hello is good; the acceptor answers it with a welcome, the dialler with its own
    /// hello. An error refuses the peer, which is told the reason.
    virtual Status on_link_hello(Link& link) = 0;
    /// Both sides have agreed. The owner may close the link in here.
    virtual void on_link_up(Link& link) = 0;
    virtual void on_link_message(Link& link, std::uint16_t kind, Bytes body) = 0;
    /// Another piece of a large message came. The owner may close the link in here.
    virtual void on_link_piece(Link& link) = 0;
    /// The link is over: refused, failed, or closed by the peer. Not called after close().
    virtual void on_link_closed(Link& link, const Error& reason) = 0;
};

class Link {
  public:
    virtual ~Link() = default;
    /// Queues a frame; false if the queue's bound would be passed.
    virtual bool send(std::uint16_t kind, ByteView body) = 0;
    virtual bool has_room(std::size_t body_bytes) const = 0;
    /// What waits to be sent, or what has come of a message that is not complete: the bytes that
    /// it holds, and since when.
    struct Held {
        std::size_t bytes = 0;
        std::uint64_t age_ms = 0;  ///< of the oldest; coarse
    };
    virtual Held queued() const = 0;
    virtual Held incoming() const = 0;
    /// Asks whether the peer is still there, if there is reason to doubt it, and gives it a quarter
    /// of the usual time to make itself heard.
    virtual void probe() = 0;
    /// Ends it: says goodbye with the reason if it can, within a second. The owner hears no more.
    virtual void close(const std::string& reason) = 0;
    /// Ends it at once and in silence: the owner is going away.
    virtual void abandon() = 0;

    PeerId id() const { return id_; }
    Role role() const { return role_; }
    /// What was dialled, or the remote end of what was accepted: the relay's, if it is relayed.
    const std::string& address() const { return address_; }
    /// Whether it runs through a circuit (net/circuits.h): then nobody reaches the peer at
    /// address(), unless we dialled it there.
    bool is_relayed() const { return relayed_; }
    /// The peer's hello; meaningful from on_link_hello on.
    const Hello& peer() const { return peer_; }

  protected:
    Link(PeerId id, Role role, std::string address)
        : id_(id), role_(role), address_(std::move(address)) {}

    PeerId id_;
    Role role_;
    std::string address_;
    bool relayed_ = false;
    Hello peer_;
};

/// Starts to dial. The result comes through the owner.
std::shared_ptr<Link> dial_link(boost::asio::io_context& io, const TlsIdentity& identity,
                                std::shared_ptr<const LinkSettings> settings, LinkOwner& owner,
                                PeerId id, const std::string& address);
/// Takes over an accepted socket (the file descriptor is the link's from now on).
std::shared_ptr<Link> accept_link(boost::asio::io_context& io, const TlsIdentity& identity,
                                  std::shared_ptr<const LinkSettings> settings, LinkOwner& owner,
                                  PeerId id, ConnectedSocket socket, const std::string& remote);

/// As dial_link, but over a circuit to `address` that is there already.
std::shared_ptr<Link> dial_link_over(boost::asio::io_context& io, const TlsIdentity& identity,
                                     std::shared_ptr<const LinkSettings> settings, LinkOwner& owner,
                                     PeerId id, ConnectedSocket socket, const std::string& address);

}  // namespace cairn::net
