#include "serve/server_probe.h"

#include <algorithm>

#include "net/relay_messages.h"

namespace cairn::serve {

namespace {

constexpr std::size_t kMaxLinks = 8;
constexpr std::uint64_t kPatienceMs = 3'000;

}  // namespace

ServerProbe::ServerProbe(Loop& loop, net::Network& network, const Clock& clock,
                         std::uint64_t patience_ms)
    : network_(network), search_(loop, network, clock, peers_, patience_ms) {}

void ServerProbe::ask(const std::string& address, std::function<void(Result<Announce>)> answer) {
    ++asking_[address];
    search_.discover({address},
                     alive_.guard([this, address, answer = std::move(answer)](Discovery found) {
                         if (--asking_[address] == 0) asking_.erase(address);
                         for (const auto& [peer, info] : peers_)
                             if (!is_needed(info.address)) network_.disconnect(peer);
                         if (!found.offers.empty()) return answer(std::move(found.offers.front()));
                         answer(io_error(found.silent.empty() ? address : found.silent.front()));
                     }));
}

bool ServerProbe::is_needed(const std::string& address) const {
    return std::ranges::any_of(asking_, [&](const auto& asked) {
        if (asked.first == address) return true;
        const auto relayed = net::parse_relayed(asked.first);
        return relayed.ok() && relayed->relay == address;
    });
}

void ServerProbe::on_connect_failed(const std::string& address, const std::string& reason) {
    search_.on_connect_failed(address, reason);
}

void ServerProbe::on_peer_up(net::PeerId peer, const net::PeerInfo& info) {
    peers_[peer] = info;
    if (!is_needed(info.address)) return network_.disconnect(peer);  // it came too late
    search_.on_peer_up(peer, info);
}

void ServerProbe::on_peer_down(net::PeerId peer, const std::string& reason) {
    peers_.erase(peer);
    search_.on_peer_down(peer, reason);
}

void ServerProbe::on_message(net::PeerId peer, std::uint16_t kind, Bytes body) {
    if (static_cast<MessageKind>(kind) == MessageKind::kAnnounce) search_.on_announce(peer, body);
}

Result<std::unique_ptr<TlsProbe>> TlsProbe::start(net::AsioLoop& loop, Random& random,
                                                  const Clock& clock) {
    std::unique_ptr<TlsProbe> made(new TlsProbe);
    net::TlsOptions tls{.key = crypto::SecretKey::generate(random),
                        .max_peers = kMaxLinks,
                        .max_inbound = 0,
                        .kept_for_use = 0,
                        .max_pending = kMaxLinks,
                        .handshake_timeout_ms = kPatienceMs,
                        .on_failed = [at = made.get()](const std::string& address, bool outbound,
                                                       const Error& reason) {
                            if (outbound && at->probe_)
                                at->probe_->on_connect_failed(address, reason.message);
                        }};
    ASSIGN_OR_RETURN(made->network_, net::TlsNetwork::start(loop, random, std::move(tls)));
    made->probe_ = std::make_unique<ServerProbe>(loop, *made->network_, clock, kPatienceMs);
    made->network_->set_handler(made->probe_.get());
    return made;
}

TlsProbe::~TlsProbe() {
    if (network_) network_->set_handler(nullptr);
}

}  // namespace cairn::serve
