// Nodes for the tests of the TLS network: several networks on one loop, with handlers that write
// down what they are told, and functions that run the loop until a condition holds.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "net/tls_network.h"

namespace cairn::net {

struct TestNode final : NetworkHandler {
    struct Message {
        PeerId peer;
        std::uint16_t kind;
        Bytes body;
    };

    void on_peer_up(PeerId peer, const PeerInfo& info) override { up.emplace_back(peer, info); }
    void on_peer_down(PeerId peer, const std::string& reason) override {
        const auto it = std::find_if(up.begin(), up.end(),
                                     [&](const auto& entry) { return entry.first == peer; });
        ASSERT_NE(it, up.end()) << "down without up";
        up.erase(it);
        down.push_back(reason);
    }
    void on_message(PeerId peer, std::uint16_t kind, Bytes body) override {
        messages.push_back({peer, kind, std::move(body)});
        if (on_receive) on_receive(messages.back());
    }
    PeerId peer(std::size_t i = 0) const { return up.at(i).first; }

    std::unique_ptr<TlsNetwork> network;
    crypto::PublicKey key;
    std::vector<std::pair<PeerId, PeerInfo>> up;
    std::vector<std::string> down;
    std::vector<std::string> failed;
    std::vector<ErrorCode> failed_kinds;
    std::vector<Message> messages;
    std::function<void(const Message&)> on_receive;
};

class TlsTest : public testing::Test {
  protected:
    TlsOptions options() {
        TlsOptions result{.key = crypto::SecretKey::generate(random)};
        result.listen = "127.0.0.1:0";
        result.genesis = genesis;
        return result;
    }
    std::unique_ptr<TestNode> node(TlsOptions options) {
        auto made = std::make_unique<TestNode>();
        made->key = crypto::public_key(options.key);
        options.on_failed = [raw = made.get()](const std::string&, bool outbound,
                                               const Error& why) {
            raw->failed.push_back(why.message);
            if (outbound) raw->failed_kinds.push_back(why.code);
        };
        auto network = TlsNetwork::start(loop, random, std::move(options));
        CHECK(network.ok());
        made->network = std::move(*network);
        made->network->set_handler(made.get());
        return made;
    }
    std::unique_ptr<TestNode> node() { return node(options()); }

    /// Runs the loop until `condition` holds, for `limit_ms` at most; says whether it does.
    bool run_until(const std::function<bool()>& condition, int limit_ms = 30'000) {
        bool met = false;
        const TimerId limit =
            loop.call_after(static_cast<std::uint64_t>(limit_ms), [this] { loop.stop(); });
        std::function<void()> poll = [&] {
            met = condition();
            if (met) return loop.stop();
            poll_timer = loop.call_after(1, poll);
        };
        loop.post(poll);
        loop.run();
        loop.cancel(limit);
        loop.cancel(poll_timer);
        return met;
    }
    void run_for(int ms) {
        run_until([] { return false; }, ms);
    }
    void link(TestNode& from, TestNode& to) {
        const std::size_t before = to.up.size();
        from.network->connect(to.network->listen_address());
        ASSERT_TRUE(run_until([&] { return !from.up.empty() && to.up.size() > before; }));
    }

    SystemRandom random;
    Hash256 genesis = random.hash256();
    AsioLoop loop;
    TimerId poll_timer = 0;
};

inline Bytes pattern(std::size_t size) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
    return bytes;
}

inline bool contains(const std::vector<std::string>& texts, const std::string& part) {
    return std::any_of(texts.begin(), texts.end(), [&](const std::string& text) {
        return text.find(part) != std::string::npos;
    });
}

}  // namespace cairn::net
