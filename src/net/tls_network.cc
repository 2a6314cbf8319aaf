#include "net/tls_network.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <tuple>

#include "base/log.h"
#include "net/address.h"
#include "net/tls_network_impl.h"

namespace cairn::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

Address address_of(const tcp::endpoint& endpoint) {
    return {endpoint.address().to_string(), endpoint.port()};
}

std::string netgroup_of(const std::string& text) {
    const auto address = parse_address(text);
    return address.ok() ? netgroup(address->host) : "";
}

Error already_connected() { return {ErrorCode::kRefused, "already connected"}; }

}  // namespace

Status TlsNetwork::Impl::listen() {
    if (options.listen.empty()) return ok_status();
    ASSIGN_OR_RETURN(const Address address, parse_address(options.listen));
    boost::system::error_code error;
    const bool by_name = address.host == "localhost";
    const auto number = asio::ip::make_address(by_name ? "127.0.0.1" : address.host, error);
    if (error)
        return invalid("cannot listen at " + options.listen +
                       ": give the number of this machine, for example 0.0.0.0:" +
                       std::to_string(address.port) + " for all it has");
    const tcp::endpoint endpoint(number, address.port);
    if (!error) acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
    if (error)
        return io_error("cannot listen at " + options.listen + ": " + error.message() +
                        "; choose another place with --listen HOST:PORT (port 0: any that is "
                        "free)");
    const tcp::endpoint local = acceptor.local_endpoint(error);
    port = local.port();
    listen_text = to_string(address_of(local));
    return ok_status();
}

// Whoever connects before somebody is there to be told waits in the system's queue.
void TlsNetwork::Impl::set_handler(NetworkHandler* the_handler) {
    handler = the_handler;
    if (handler == nullptr || !acceptor.is_open() || std::exchange(accepts, true)) return;
    asio::co_spawn(
        loop.context(),
        [](std::shared_ptr<Impl> self) -> asio::awaitable<void> {
            co_await self->accept();
        }(shared_from_this()),
        asio::detached);
}

asio::awaitable<void> TlsNetwork::Impl::accept() {
    while (!stopped) {
        tcp::endpoint remote;
        auto [error, socket] = co_await acceptor.async_accept(remote, kAwait);
        if (stopped) break;
        if (!error) {
            accept_fails = false;
            adopt(std::move(socket), remote);
            continue;
        }
        // Out of file descriptors, most likely: wait a moment before the next try.
        if (!std::exchange(accept_fails, true))
            log_warn("no connection of another node can be taken: {}; it keeps trying",
                     error.message());
        accept_pause.expires_after(std::chrono::milliseconds(100));
        co_await accept_pause.async_wait(kAwait);
    }
}

void TlsNetwork::Impl::adopt(tcp::socket socket, const tcp::endpoint& remote) {
    boost::system::error_code error;
    const int descriptor = socket.release(error);
    if (error) return;
    adopt({descriptor, remote.protocol() == tcp::v6() ? AF_INET6 : AF_INET},
          to_string(address_of(remote)));
}

bool TlsNetwork::Impl::count_handshake(const std::string& address) {
    if (second == 0)
        second = loop.call_after(1'000, [weak = weak_from_this()] {
            const auto self = weak.lock();
            if (!self) return;
            self->second = 0;
            self->handshakes.on_second();
        });
    return handshakes.take(netgroup_of(address));
}

void TlsNetwork::Impl::adopt(ConnectedSocket socket, const std::string& address) {
    if (!count_handshake(address)) {
        ::close(socket.descriptor);
        return;
    }
    if (const auto pending = places(Role::kAcceptor, false);
        pending.size() >= options.max_pending) {
        const auto yields = pending_to_yield(pending, netgroup_of(address));
        if (!yields) {
            ::close(socket.descriptor);
            return;
        }
        const std::shared_ptr<Link> link = links.at(*yields);
        forget(*link);
        link->close("others wait to be heard");
        report_failure(link->address(), false,
                       {ErrorCode::kFull, "had to make room before its introduction"});
    }
    const PeerId id = ++last_id;
    links[id] = accept_link(loop.context(), identity, settings, *this, id, socket, address);
}

void TlsNetwork::Impl::make_settings() {
    auto made = std::make_shared<LinkSettings>();
    made->max_queue_bytes = options.max_queue_bytes;
    made->handshake_timeout_ms = options.handshake_timeout_ms;
    made->ping_after_ms = options.ping_after_ms;
    made->idle_timeout_ms = options.idle_timeout_ms;
    made->genesis = options.genesis;
    made->any_genesis = options.any_genesis;
    made->key = our_key;
    // Only called while the link has an owner, so `this` is there.
    made->make_hello = [this](Role role, const Hash256& channel, const Hash256& genesis) {
        return make_hello(role, channel, genesis);
    };
    settings = std::move(made);
}

Hello TlsNetwork::Impl::make_hello(Role role, const Hash256& channel, const Hash256& genesis) {
    Hello hello;
    hello.genesis = genesis;
    hello.key = our_key;
    hello.listen_port = named_port != 0 ? named_port : port;
    hello.signature = crypto::sign(options.key, hello_message(hello, role, channel), random);
    return hello;
}

void TlsNetwork::Impl::connect(const std::string& address) {
    const bool relayed = is_relayed(address);
    const auto parsed = parse_address(address);
    if (!relayed && !parsed.ok()) return report_failure(address, true, parsed.error());
    for (const auto& [id, link] : links)  // a second call for the same address changes nothing
        if (link->role() == Role::kDialler && link->address() == address) return;
    if (relayed) return relaying->connect(address);
    if (places(Role::kDialler, false).size() >= options.max_pending)
        return report_failure(address, true,
                              {ErrorCode::kFull, "too many connections are being made already"});
    const PeerId id = ++last_id;
    links[id] = dial_link(loop.context(), identity, settings, *this, id, address);
}

void TlsNetwork::Impl::report_failure(std::string address, bool outbound, Error reason) {
    log_debug("net: {} {}: {}", outbound ? "to" : "from", address, reason.message);
    // Never from within connect(): the caller may be iterating over its addresses.
    loop.post([weak = weak_from_this(), address = std::move(address), outbound,
               reason = std::move(reason)] {
        const auto self = weak.lock();
        if (!self || self->stopped) return;
        if (outbound) self->relaying->on_failed(address, reason.message);
        if (self->options.on_failed) self->options.on_failed(address, outbound, reason);
    });
}

Link* TlsNetwork::Impl::lasting_link(const crypto::PublicKey& key) {
    const auto it = by_key.find(key);
    return it == by_key.end() ? nullptr : links.at(it->second).get();
}

bool TlsNetwork::Impl::is_up(const Link& link) const {
    const auto it = by_key.find(link.peer().key);
    return it != by_key.end() && it->second == link.id();
}

std::string TlsNetwork::Impl::group_of(PeerId peer) const {
    const auto it = links.find(peer);
    return it == links.end() ? "" : netgroup_of(it->second->address());
}

std::vector<Place> TlsNetwork::Impl::places(Role role, bool up) const {
    std::vector<Place> found;
    for (const auto& [id, link] : links) {
        if (link->role() != role || is_up(*link) != up) continue;
        const auto use = useful.find(id);
        found.push_back({id, netgroup_of(link->address()), use == useful.end() ? 0 : use->second});
    }
    return found;
}

/// Whether there is a place for the link, once another has yielded if need be.
bool TlsNetwork::Impl::find_place(const Link& link) {
    const bool full = by_key.size() >= options.max_peers;
    if (link.role() == Role::kDialler) return !full;
    const std::vector<Place> inbound = places(Role::kAcceptor, true);
    if (!full && inbound.size() < options.max_inbound) return true;
    const auto yields = place_to_yield(inbound, options.kept_for_use);
    if (!yields) return false;
    drop(*yields, "its place is needed for a newcomer");
    return true;
}

bool TlsNetwork::Impl::replaces(const Link& link, const Link& lasting) const {
    // Both were dialled by the same side. The peer dials only if it has no link that works, so its
    // new one stays; of two that we dialled, by two addresses, the old one stays.
    if (link.role() == lasting.role()) return link.role() == Role::kAcceptor;
    const bool we_are_smaller = our_key < link.peer().key;
    return (link.role() == Role::kDialler) == we_are_smaller;
}

Status TlsNetwork::Impl::on_link_hello(Link& link) {
    const crypto::PublicKey& key = link.peer().key;
    if (link.role() == Role::kDialler && link.is_relayed() &&
        parse_relayed(link.address())->key != key)
        return Error{ErrorCode::kRefused, "the relay led to another node than was asked for"};
    if (Link* lasting = lasting_link(key)) {
        if (!replaces(link, *lasting)) {
            // The peer would not dial if it knew of the lasting link, which may thus be dead.
            if (link.role() == Role::kAcceptor) lasting->probe();
            return already_connected();
        }
    } else if (!find_place(link)) {
        return Error{ErrorCode::kRefused, "no free place: all " + std::to_string(by_key.size()) +
                                              " are taken; try another node"};
    }
    if (link.role() == Role::kDialler && !introduced.emplace(key, link.id()).second)
        return already_connected();
    return ok_status();
}

void TlsNetwork::Impl::on_link_up(Link& link) {
    const crypto::PublicKey key = link.peer().key;
    if (handler == nullptr) {  // between two handlers: nobody would answer it
        const std::shared_ptr<Link> keep = links.at(link.id());
        const Error reason{ErrorCode::kRefused, "this node is still starting"};
        forget(link);
        keep->close(reason.message);
        // Whoever dialled it, as Relaying does from the start on, dials again.
        return report_failure(keep->address(), keep->role() == Role::kDialler, reason);
    }
    if (link.role() == Role::kDialler) introduced.erase(key);
    if (Link* lasting = lasting_link(key)) {
        if (!replaces(link, *lasting)) {
            const std::shared_ptr<Link> keep = links.at(link.id());
            forget(link);
            keep->close(already_connected().message);
            return;
        }
        const std::shared_ptr<Link> old = links.at(lasting->id());
        forget(*old);
        old->close("replaced by a newer connection");
        if (handler != nullptr) handler->on_peer_down(old->id(), "replaced by a newer connection");
    }
    by_key[key] = link.id();
    PeerInfo info;
    info.key = key;
    info.outbound = link.role() == Role::kDialler;
    info.address = link.address();
    if (!info.outbound) {
        auto remote = parse_address(link.address());
        const std::uint16_t listens_at = link.peer().listen_port;
        if (remote.ok()) remote->port = listens_at;
        info.address =
            remote.ok() && listens_at != 0 && !link.is_relayed() ? to_string(*remote) : "";
    }
    if (handler != nullptr) handler->on_peer_up(link.id(), info);
    const bool dialled = info.outbound && !link.is_relayed();
    if (is_up(link)) relaying->on_up(link.id(), dialled ? info.address : "");
}

void TlsNetwork::Impl::on_link_message(Link& link, std::uint16_t kind, Bytes body) {
    if (!is_relay_kind(kind)) {
        if (handler != nullptr) handler->on_message(link.id(), kind, std::move(body));
    } else if (!link.is_relayed()) {  // no links over links over relays
        const Status good =
            relaying->on_message(link.id(), link.peer().key, static_cast<RelayKind>(kind), body);
        if (!good.ok()) drop(link.id(), good.error().message);
    }
}

void TlsNetwork::Impl::forget(const Link& link) {
    if (is_up(link))
        loop.post([weak = weak_from_this(), id = link.id()] {
            if (const auto self = weak.lock(); self && !self->stopped) self->relaying->on_down(id);
        });
    const auto erase_if_this = [&](std::map<crypto::PublicKey, PeerId>& table) {
        const auto it = table.find(link.peer().key);
        if (it != table.end() && it->second == link.id()) table.erase(it);
    };
    erase_if_this(by_key);
    erase_if_this(introduced);
    useful.erase(link.id());
    links.erase(link.id());
}

void TlsNetwork::Impl::on_link_closed(Link& link, const Error& reason) {
    const bool was_up = is_up(link);
    forget(link);
    if (!was_up) return report_failure(link.address(), link.role() == Role::kDialler, reason);
    if (handler != nullptr) handler->on_peer_down(link.id(), reason.message);
}

void TlsNetwork::Impl::drop(PeerId peer, const std::string& reason) {
    const auto it = links.find(peer);
    if (it == links.end() || !is_up(*it->second)) return;
    const std::shared_ptr<Link> link = it->second;
    forget(*link);
    link->close(reason);
    loop.post([weak = weak_from_this(), peer, reason] {
        const auto self = weak.lock();
        if (self && self->handler != nullptr) self->handler->on_peer_down(peer, reason);
    });
}

bool TlsNetwork::Impl::send(Link& link, std::uint16_t kind, ByteView body) {
    if (!link.send(kind, body)) return false;
    bound_held(&Link::queued, options.max_all_queues_bytes,
               "reads more slowly than it asks, and others wait");
    return true;
}

void TlsNetwork::Impl::on_link_piece(Link&) {
    bound_held(&Link::incoming, options.max_all_incoming_bytes,
               "sends a message too slowly, and others wait");
}

void TlsNetwork::Impl::bound_held(Link::Held (Link::*held)() const, std::size_t most,
                                  const char* reason) {
    std::size_t all = 0;
    for (const auto& [id, link] : links) all += (*link.*held)().bytes;
    if (all <= most) return;
    const std::size_t share = most / links.size() / 2;
    const auto rank = [&](const auto& entry) {
        const Link::Held holds = (*entry.second.*held)();
        return std::tuple(holds.bytes >= share, holds.age_ms, holds.bytes);
    };
    const auto yields = std::ranges::max_element(links, {}, rank);
    log_debug("net: {} {}", yields->second->address(), reason);
    drop(yields->first, reason);
}

void TlsNetwork::Impl::stop() {
    stopped = true;
    handler = nullptr;
    boost::system::error_code ignored;
    acceptor.close(ignored);
    accept_pause.cancel();
    loop.cancel(second);
    relaying.reset();
    for (const auto& [id, link] : links) link->abandon();
    links.clear();
    by_key.clear();
    introduced.clear();
    useful.clear();
}

TlsNetwork::TlsNetwork(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsNetwork::~TlsNetwork() { impl_->stop(); }

Result<std::unique_ptr<TlsNetwork>> TlsNetwork::start(AsioLoop& loop, Random& random,
                                                      TlsOptions options) {
    CHECK(options.max_queue_bytes > kMaxMessageBytes + 500);  // a frame has a few bytes around it
    CHECK(options.max_all_queues_bytes >= options.max_queue_bytes);
    CHECK(options.max_all_incoming_bytes >= kMaxMessageBytes);
    ASSIGN_OR_RETURN(TlsIdentity identity, TlsIdentity::make());
    auto impl = std::make_shared<Impl>(loop, random, std::move(options), std::move(identity));
    impl->make_settings();
    RETURN_IF_ERROR(impl->listen());
    impl->start_relaying();
    return std::unique_ptr<TlsNetwork>(new TlsNetwork(std::move(impl)));
}

void TlsNetwork::set_handler(NetworkHandler* handler) { impl_->set_handler(handler); }

void TlsNetwork::connect(const std::string& address) { impl_->connect(address); }

bool TlsNetwork::send(PeerId peer, std::uint16_t kind, ByteView body) {
    if (kind >= kFirstReservedKind || is_relay_kind(kind) || body.size() > kMaxMessageBytes)
        return false;
    const auto it = impl_->links.find(peer);
    if (it == impl_->links.end() || !impl_->is_up(*it->second)) return false;
    const std::shared_ptr<Link> link = it->second;  // may be dropped
    return impl_->send(*link, kind, body);
}

bool TlsNetwork::has_room(PeerId peer, std::size_t body_bytes) const {
    const auto it = impl_->links.find(peer);
    return it != impl_->links.end() && impl_->is_up(*it->second) &&
           it->second->has_room(body_bytes);
}

void TlsNetwork::disconnect(PeerId peer) { impl_->drop(peer, "disconnected by choice"); }

void TlsNetwork::mark_useful(PeerId peer) {
    const auto it = impl_->links.find(peer);
    if (it != impl_->links.end() && impl_->is_up(*it->second))
        impl_->useful[peer] = ++impl_->last_useful;
}

std::string TlsNetwork::group_of(PeerId peer) const { return impl_->group_of(peer); }

void TlsNetwork::name_port(std::uint16_t port) { impl_->named_port = port; }

std::string TlsNetwork::listen_address() const { return impl_->listen_text; }

}  // namespace cairn::net
