// Links that a third node passes on, as links of a TlsNetwork.
#include <sys/socket.h>
#include <unistd.h>

#include "net/tls_network_impl.h"

namespace cairn::net {

void TlsNetwork::Impl::start_relaying() {
    Relaying::Owner owner;
    owner.send = [this](PeerId peer, RelayKind kind, ByteView body) {
        const auto it = links.find(peer);
        if (it == links.end() || !is_up(*it->second)) return false;
        const std::shared_ptr<Link> link = it->second;  // may be dropped
        return send(*link, static_cast<std::uint16_t>(kind), body);
    };
    owner.peer_of = [this](const crypto::PublicKey& key) {
        const Link* link = lasting_link(key);
        return link != nullptr && !link->is_relayed() ? link->id() : 0;
    };
    owner.group_of = [this](PeerId peer) { return group_of(peer); };
    owner.linked_at = [this](const std::string& address) { return linked_at(address); };
    owner.connect = [this](const std::string& address) { connect(address); };
    owner.opened = [this](const std::string& address, int socket) {
        opened_circuit(address, socket);
    };
    owner.failed = [this](const std::string& address, const std::string& reason) {
        report_failure(address, true, io_error(reason));
    };
    owner.incoming = [this](PeerId relay, int socket) {
        const auto it = links.find(relay);  // answering it may have ended it
        if (it == links.end())
            ::close(socket);
        else
            adopt({socket, AF_UNIX}, it->second->address());
    };
    owner.answered = options.on_relay;
    relaying.emplace(loop.context(), loop, options.relay, options.through, std::move(owner));
    relaying->start();
}

PeerId TlsNetwork::Impl::linked_at(const std::string& address) const {
    for (const auto& [id, link] : links)
        if (link->role() == Role::kDialler && link->address() == address && is_up(*link)) return id;
    return 0;
}

void TlsNetwork::Impl::opened_circuit(const std::string& address, int socket) {
    if (places(Role::kDialler, false).size() >= options.max_pending) {
        ::close(socket);
        return report_failure(address, true,
                              {ErrorCode::kFull, "too many connections are being made already"});
    }
    const PeerId id = ++last_id;
    links[id] =
        dial_link_over(loop.context(), identity, settings, *this, id, {socket, AF_UNIX}, address);
}

}  // namespace cairn::net
