// The real Network: TCP with TLS 1.3. Certificates are made at start and prove nothing by
// themselves; after the TLS handshake each side signs a value that only this TLS session has
// (net/hello.h) with its node key, so a peer is who its key says and nobody sits in between.
//
// Between two nodes at most one connection lasts (S5). If both dialled at once, the one that the
// smaller key dialled stays. If the other side dials again (it was restarted, and we have not
// noticed yet that its old connection is dead), the new one replaces the old. A node refuses to
// talk to itself (S3).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "net/asio_loop.h"
#include "net/network.h"
#include "net/relay.h"

namespace cairn::net {

struct TlsOptions {
    /// "host:port" to accept connections at; port 0 takes any free one; empty: do not listen.
    std::string listen{};
    crypto::SecretKey key;
    /// Nodes of different genesis ids refuse each other. All zeros: belongs to no chain.
    Hash256 genesis{};
    /// Whom we dial may be of any network: we take part as one of his. For who looks at a network
    /// that he knows an address of and nothing else; peers of different networks may be linked
    /// then.
    bool any_genesis = false;

    std::size_t max_peers = 64;
    /// Of those, how many may have dialled us: the rest are kept for peers that we chose.
    std::size_t max_inbound = 48;
    /// When max_inbound is reached, an inbound peer yields to a newcomer (net/places.h); so many
    /// stay because they proved useful lately.
    std::size_t kept_for_use = 8;
    /// Inbound connections that are not up yet; and as many that we dial, counted apart, so that
    /// strangers cannot keep us from dialling.
    std::size_t max_pending = 32;
    /// Inbound connections taken in a second (net/handshakes.h): of one part of the network, and of
    /// all. What comes beyond is closed.
    std::size_t max_taken_per_group = 32;
    std::size_t max_taken = 128;
    /// What may wait to be sent to one peer; must have room for one largest message.
    std::size_t max_queue_bytes = 2 * kMaxMessageBytes;
    /// What may wait to be sent to all peers together, and what may have come of all messages that
    /// are not complete. Beyond either, a peer is dropped: the one whose bytes are held longest, of
    /// those that hold at least half an equal share. Many that hold a little for ever would
    /// otherwise fill it, and the one that fetches a block would be dropped. Must have room for one
    /// peer's largest queue.
    std::size_t max_all_queues_bytes = 8 * kMaxMessageBytes;
    std::size_t max_all_incoming_bytes = 8 * kMaxMessageBytes;
    /// Links between others that are passed on (S34); none unless asked to.
    RelayOptions relay{};
    /// Nodes that pass links on to us, as "host:port": dialled, and again when a link is lost.
    std::vector<std::string> through{};
    std::uint64_t handshake_timeout_ms = 10'000;
    /// Silence after which we ask whether the peer is still there, and after which we give up.
    std::uint64_t ping_after_ms = 20'000;
    std::uint64_t idle_timeout_ms = 60'000;

    /// Told when a connection came to nothing: the address, whether we dialled it, and why. Kinds:
    /// kNotFound no host of this name; kIo not reachable, or the connection was lost; kTimeout no
    /// introduction in time; kInvalid what answers is no node; kUnsupported another version of the
    /// protocol; kRefused we do not want this one (another network, ourselves, no free place);
    /// kCancelled the other side said goodbye, in the words of the message.
    std::function<void(const std::string& address, bool outbound, const Error& reason)> on_failed{};
    /// Told what a node of `through` answered: whether others reach us through it now.
    std::function<void(const std::string& relay, bool passes_on)> on_relay{};
};

class TlsNetwork final : public Network {
  public:
    /// kInvalid unless `listen` is a numeric address or localhost, with a port; kIo if it cannot
    /// be had. The loop must outlive the network.
    static Result<std::unique_ptr<TlsNetwork>> start(AsioLoop& loop, Random& random,
                                                     TlsOptions options);
    /// Drops all connections without further callbacks. On the loop's thread, or after run().
    ~TlsNetwork() override;

    /// Nobody is let in before there is a handler, and no link comes up while there is none.
    void set_handler(NetworkHandler* handler) override;
    /// "host:port", or KEY@host:port: over a link that the node there passes on.
    void connect(const std::string& address) override;
    bool send(PeerId peer, std::uint16_t kind, ByteView body) override;
    bool has_room(PeerId peer, std::size_t body_bytes) const override;
    void disconnect(PeerId peer) override;
    void mark_useful(PeerId peer) override;
    std::string listen_address() const override;
    /// netgroup() (net/address.h) of the other end of a link that is up; else empty.
    std::string group_of(PeerId peer) const;
    /// What Hello says from now on of where we listen: a router passes links to `port` on to us.
    /// 0: where we listen ourselves.
    void name_port(std::uint16_t port);

  private:
    struct Impl;
    explicit TlsNetwork(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace cairn::net
