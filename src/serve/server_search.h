// ServerSearch: asks the layer servers at given addresses what they hold, and collects their signed
// announcements (S23). It connects where there is no link yet, and gives up on a server that cannot
// be reached, closes the link, sends a bad announcement or stays silent for too long. Which servers
// are then used is a matter of serve/route.h.
//
// Everything happens on the Loop. Client tells it what happens on the links.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/loop.h"
#include "net/network.h"
#include "serve/announce.h"

namespace cairn::serve {

/// The announcements of the servers that answered, with the address at which they did, and a
/// sentence for each that did not.
struct Discovery {
    std::vector<Announce> offers;
    std::vector<std::string> silent;
    /// From question to answer, of those that answered, microseconds.
    std::map<crypto::PublicKey, std::uint64_t> trip_us;
};

class ServerSearch {
  public:
    /// All references must outlive it. `peers` are the links that are up; an answer is waited for
    /// up to `patience_ms`.
    ServerSearch(Loop& loop, net::Network& network, const Clock& clock,
                 const std::map<net::PeerId, net::PeerInfo>& peers, std::uint64_t patience_ms);

    /// Connects to each "host:port" and asks what it holds. `done` is called once, later. Several
    /// searches may be under way. `patience_ms` 0: as given to the constructor. A server that has
    /// newer models answers for `model` if it still opens sessions on that; zero: for its newest.
    void discover(std::vector<std::string> addresses, std::function<void(Discovery)> done,
                  std::uint64_t patience_ms = 0, const Hash256& model = {});

    void on_peer_up(net::PeerId peer, const net::PeerInfo& info);
    void on_peer_down(net::PeerId peer, const std::string& reason);
    void on_connect_failed(const std::string& address, const std::string& reason);
    void on_announce(net::PeerId peer, ByteView body);

  private:
    struct Target {
        std::string address;
        net::PeerId peer = 0;  // 0: not connected yet
        bool settled = false;
        std::optional<Announce> offer;
        std::uint64_t asked_us = 0;
        std::uint64_t trip_us = 0;
        std::string why_silent;
    };
    struct Search {
        std::uint64_t serial = 0;
        Hash256 model;
        std::vector<Target> targets;
        std::function<void(Discovery)> done;
        TimerId timer = 0;
    };

    void give_up(std::uint64_t serial);
    void ask(Target& target, const Hash256& model);
    static void settle(Target& target, const std::string& why_silent);
    /// Answers the searches in which every target is settled.
    void finish_searches();

    Loop& loop_;
    net::Network& network_;
    const Clock& clock_;
    const std::map<net::PeerId, net::PeerInfo>& peers_;
    std::uint64_t patience_ms_;

    std::vector<std::unique_ptr<Search>> searches_;
    std::uint64_t next_serial_ = 1;
    Alive alive_;
};

}  // namespace cairn::serve
