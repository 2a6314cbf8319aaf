// What a TlsNetwork is made of: its links, who has a place among them, and the links that others
// pass on. Internal to net.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/handshakes.h"
#include "net/link.h"
#include "net/places.h"
#include "net/relaying.h"
#include "net/tls_network.h"

namespace cairn::net {

struct TlsNetwork::Impl final : LinkOwner, std::enable_shared_from_this<TlsNetwork::Impl> {
    Impl(AsioLoop& the_loop, Random& the_random, TlsOptions the_options, TlsIdentity the_identity)
        : loop(the_loop),
          random(the_random),
          options(std::move(the_options)),
          identity(std::move(the_identity)),
          handshakes(options.max_taken_per_group, options.max_taken),
          acceptor(loop.context()),
          accept_pause(loop.context()),
          our_key(crypto::public_key(options.key)) {}

    Status listen();
    void set_handler(NetworkHandler* the_handler);
    boost::asio::awaitable<void> accept();
    void adopt(boost::asio::ip::tcp::socket socket, const boost::asio::ip::tcp::endpoint& remote);
    void adopt(ConnectedSocket socket, const std::string& address);
    /// Whether one more connection from there is taken in this second.
    bool count_handshake(const std::string& address);
    void start_relaying();
    void opened_circuit(const std::string& address, int socket);
    PeerId linked_at(const std::string& address) const;
    void make_settings();
    Hello make_hello(Role role, const Hash256& channel, const Hash256& genesis);
    void connect(const std::string& address);
    bool send(Link& link, std::uint16_t kind, ByteView body);
    /// Ends a link that is up; its on_peer_down follows from the loop.
    void drop(PeerId peer, const std::string& reason);
    void stop();

    Status on_link_hello(Link& link) override;
    void on_link_up(Link& link) override;
    void on_link_message(Link& link, std::uint16_t kind, Bytes body) override;
    void on_link_piece(Link& link) override;
    void on_link_closed(Link& link, const Error& reason) override;

    /// Whether `link` takes the place of `lasting`, the link with the same peer that is up (S5).
    bool replaces(const Link& link, const Link& lasting) const;
    /// The links of one role that are up, or that are not up yet.
    std::vector<Place> places(Role role, bool up) const;
    bool find_place(const Link& link);
    /// Drops a link if all together hold more than `most` of something.
    void bound_held(Link::Held (Link::*held)() const, std::size_t most, const char* reason);
    Link* lasting_link(const crypto::PublicKey& key);
    bool is_up(const Link& link) const;
    std::string group_of(PeerId peer) const;
    void forget(const Link& link);
    void report_failure(std::string address, bool outbound, Error reason);

    AsioLoop& loop;
    Random& random;
    TlsOptions options;
    TlsIdentity identity;
    Handshakes handshakes;
    TimerId second = 0;  // until they are counted anew; 0: none was
    boost::asio::ip::tcp::acceptor acceptor;
    boost::asio::steady_timer accept_pause;
    bool accepts = false;
    bool accept_fails = false;  // the last time, and the log says so
    crypto::PublicKey our_key;
    std::uint16_t port = 0;
    std::uint16_t named_port = 0;  // of a router before us; 0: none
    std::string listen_text;
    std::shared_ptr<const LinkSettings> settings;
    NetworkHandler* handler = nullptr;
    PeerId last_id = 0;
    bool stopped = false;
    std::map<PeerId, std::shared_ptr<Link>> links;   // all that are not closed
    std::map<crypto::PublicKey, PeerId> by_key;      // those that are up
    std::map<crypto::PublicKey, PeerId> introduced;  // dialled, our hello sent, no welcome yet
    std::map<PeerId, std::uint64_t> useful;          // peers that are up; larger: later
    std::uint64_t last_useful = 0;
    std::optional<Relaying> relaying;  // from the start to stop()
};

}  // namespace cairn::net
