// A peer without a mind of its own: it says what a test tells it to, to whoever is linked with it,
// and hands on what it hears.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "node/messages.h"
#include "sim/world.h"

namespace cairn::sim {

class Stranger final : public net::NetworkHandler {
  public:
    Stranger(World& world, const std::string& address)
        : world_(world),
          loop_(world.scheduler(), world.seed() + 77),
          network_(world.fabric(), loop_, address,
                   crypto::public_key(crypto::SecretKey::generate(world.random()))) {
        network_.set_handler(this);
    }

    void dial(int number) { network_.connect(world_.address(number)); }
    void say(node::MessageKind kind, ByteView body) {
        for (const auto& [peer, address] : peers_) node::send(network_, peer, kind, body);
    }
    void say_headers(const std::vector<chain::BlockHeader>& headers) {
        say(node::MessageKind::kHeaders, encode(node::Headers{headers}));
    }

    void on_peer_up(net::PeerId peer, const net::PeerInfo& info) override {
        peers_[peer] = info.address;
        node::Hello hello;
        hello.genesis_id = world_.node(0).chain().genesis_id();
        node::send(network_, peer, node::MessageKind::kHello, encode(hello));
    }
    void on_peer_down(net::PeerId peer, const std::string&) override {
        peers_.erase(peer);
        ++dropped;
    }
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override {
        if (on_heard) on_heard(peers_[peer], static_cast<node::MessageKind>(kind), body);
    }

    void after_ms(std::uint64_t ms, std::function<void()> task) {
        loop_.call_after(ms, std::move(task));
    }

    int dropped = 0;
    std::function<void(const std::string& from, node::MessageKind, ByteView)> on_heard;

  private:
    World& world_;
    SimLoop loop_;
    SimNetwork network_;
    std::map<net::PeerId, std::string> peers_;
};

}  // namespace cairn::sim
