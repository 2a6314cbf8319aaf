// ServerProbe: asks one layer server after another whether it answers, and with what announcement,
// over a network of links that are let go at once. What a node knows of servers by hearsay it
// believes only after that (node/server_table.h).
#pragma once

#include <memory>

#include "base/random.h"
#include "net/tls_network.h"
#include "serve/server_search.h"

namespace cairn::serve {

class ServerProbe final : public net::NetworkHandler {
  public:
    /// All references must outlive it. An answer is waited for up to `patience_ms`.
    ServerProbe(Loop& loop, net::Network& network, const Clock& clock, std::uint64_t patience_ms);

    /// `answer` is called once, later, with a valid announcement by the key of the link, or with
    /// why there is none.
    void ask(const std::string& address, std::function<void(Result<Announce>)> answer);
    /// As Client::on_connect_failed.
    void on_connect_failed(const std::string& address, const std::string& reason);

    void on_peer_up(net::PeerId peer, const net::PeerInfo& info) override;
    void on_peer_down(net::PeerId peer, const std::string& reason) override;
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override;

  private:
    /// Whether a link to this address is needed: one that is being asked, or its relay.
    bool is_needed(const std::string& address) const;

    net::Network& network_;
    std::map<net::PeerId, net::PeerInfo> peers_;
    ServerSearch search_;
    std::map<std::string, std::size_t> asking_;  // by address
    Alive alive_;
};

/// A ServerProbe with a network and a key of its own, which belongs to no chain and does not
/// listen. Destroy it before the loop.
class TlsProbe {
  public:
    static Result<std::unique_ptr<TlsProbe>> start(net::AsioLoop& loop, Random& random,
                                                   const Clock& clock);
    ~TlsProbe();
    ServerProbe& probe() { return *probe_; }

  private:
    TlsProbe() = default;
    std::unique_ptr<net::TlsNetwork> network_;
    std::unique_ptr<ServerProbe> probe_;
};

}  // namespace cairn::serve
