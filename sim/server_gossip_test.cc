// Proves that every node of a network hears of a layer server that announces itself and forgets one
// that goes, that old and forged announcements do no harm, and that a flood of made-up servers
// stays with the nodes that its makers are linked with, keeps nobody else from being heard of, and
// costs those nodes no more than their bounds say.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/scenario.h"
#include "sim/stranger.h"

namespace cairn::sim {
namespace {

constexpr std::uint64_t kAnnounceMs = 30'000;
constexpr std::uint64_t kLifeMs = 60'000;

/// Twenty nodes, each linked with two before it, and layer servers beside some of them.
class ServerGossip : public testing::Test {
  protected:
    static constexpr int kNodes = 20;

    FakeModelKit kit_;
    World world_{7, scenario_name(), kit_};
    SimClock clock_{world_.scheduler(), 0};
    SeededRandom random_{9};
    std::map<std::string, serve::Announce> listening_;  ///< what answers, by address
    std::uint64_t asked_ = 0;                           ///< by all nodes

    struct Server {
        int node = 0;
        std::string address;
        crypto::SecretKey secret;
    };
    std::vector<Server> servers_;

    ServerGossip() {
        for (int i = 0; i < kNodes; ++i) {
            NodeSpec spec{.mine = false, .train = false};
            if (i > 0) spec.connect.push_back(i - 1);
            if (i > 1) spec.connect.push_back(i / 2);
            spec.server_at = [this](const std::string& address) -> Result<serve::Announce> {
                ++asked_;
                const auto there = listening_.find(address);
                if (there == listening_.end()) return io_error("nothing listens there");
                return there->second;
            };
            world_.add_node(spec);
        }
        world_.run_ms(10'000);
    }

    serve::Announce record(const crypto::SecretKey& secret, const std::string& address) {
        serve::Announce result;
        result.address = address;
        result.layers = {0, 6};
        result.genesis = world_.node(0).chain().genesis_id();
        result.price = 5;
        result.capacity = 64;
        result.issued_ms = clock_.wall_ms();
        result.expires_ms = result.issued_ms + kLifeMs;
        sign(result, secret, {});
        return result;
    }

    void announce(const Server& server) {
        listening_[server.address] = record(server.secret, server.address);
        ASSERT_TRUE(world_.node(server.node).announce_server(listening_[server.address]).ok());
    }

    Server& start_server(int node) {
        const std::string address = "10.0.0." + std::to_string(node + 1) + ":8500";
        servers_.push_back({node, address, crypto::SecretKey::generate(random_)});
        announce(servers_.back());
        return servers_.back();
    }

    /// Time passes, and servers announce themselves as they do.
    void live_ms(std::uint64_t ms) {
        for (std::uint64_t passed = 0; passed < ms; passed += kAnnounceMs) {
            world_.run_ms(std::min(kAnnounceMs, ms - passed));
            for (const Server& server : servers_) announce(server);
        }
    }

    /// How many nodes know a server with this address.
    int knowing(const std::string& address) {
        int count = 0;
        for (int i = 0; i < kNodes; ++i)
            count += std::ranges::any_of(world_.node(i).servers(), [&](const auto& server) {
                return server.record.address == address;
            });
        return count;
    }
    bool all_know(const std::string& address) { return knowing(address) == kNodes; }

    void TearDown() override { EXPECT_EQ(world_.failure(), "") << world_.replay_line(); }
};

TEST_F(ServerGossip, EveryNodeHearsOfServersAndForgetsThoseThatGo) {
    const Server& first = start_server(0);
    const std::uint64_t began_us = world_.scheduler().now_us();
    EXPECT_TRUE(world_.run_until([&] { return all_know(first.address); }, 20'000));
    std::printf("known to all %d nodes after %.1f s\n", kNodes,
                static_cast<double>(world_.scheduler().now_us() - began_us) / 1e6);
    const std::string one = first.address, two = start_server(19).address;
    live_ms(300'000);
    EXPECT_TRUE(all_know(one));
    EXPECT_TRUE(all_know(two));
    EXPECT_LE(asked_, 2U * kNodes) << "each node asks each server once";
    // The second goes.
    servers_.pop_back();
    listening_.erase(two);
    live_ms(90'000);
    EXPECT_EQ(knowing(two), 0);
    EXPECT_TRUE(all_know(one));
}

TEST_F(ServerGossip, WhoComesLaterAsksForAll) {
    for (const int node : {1, 5, 9}) start_server(node);
    live_ms(60'000);
    world_.kill(12);
    live_ms(30'000);
    world_.start(12);
    EXPECT_TRUE(world_.run_until([&] { return world_.node(12).servers().size() == 3; }, 20'000));
}

TEST_F(ServerGossip, AReplayOfAnOldOneIsNotBelieved) {
    const Server gone = start_server(4);
    const serve::Announce old = listening_[gone.address];
    world_.run_ms(10'000);
    EXPECT_TRUE(all_know(gone.address));
    servers_.clear();
    listening_.clear();
    world_.run_ms(80'000);
    ASSERT_EQ(knowing(gone.address), 0);
    ASSERT_TRUE(check_announce(old, clock_.wall_ms()).ok()) << "within what clocks may differ";
    Stranger replayer(world_, "10.66.0.1:7000");
    for (int i = 0; i < kNodes; ++i) replayer.dial(i);
    world_.run_ms(1'000);
    replayer.say(node::MessageKind::kServers, encode(node::Servers{{old}}));
    world_.run_ms(10'000);
    EXPECT_EQ(knowing(gone.address), 0);
    EXPECT_EQ(replayer.dropped, 0) << "clocks differ: it may have meant well";
}

TEST_F(ServerGossip, AForgedOneEndsTheLinkAndAnotherNetworksDoesNot) {
    Stranger forger(world_, "10.66.0.1:7000");
    forger.dial(3);
    world_.run_ms(1'000);
    const crypto::SecretKey secret = crypto::SecretKey::generate(random_);
    serve::Announce other = record(secret, "10.5.0.1:1");
    other.genesis.bytes[0] ^= 1;
    sign(other, secret, {});
    forger.say(node::MessageKind::kServers, encode(node::Servers{{other}}));
    world_.run_ms(5'000);
    EXPECT_EQ(forger.dropped, 0);
    EXPECT_EQ(world_.node(3).server_gossip().table().waiting(), 0U);
    serve::Announce forged = record(secret, "10.5.0.1:1");
    forged.price = 0;
    forger.say(node::MessageKind::kServers, encode(node::Servers{{forged}}));
    world_.run_ms(5'000);
    EXPECT_EQ(forger.dropped, 1);
}

TEST_F(ServerGossip, AFloodStaysWithItsNeighboursAndHidesNobody) {
    const std::string before = start_server(2).address;
    live_ms(30'000);
    ASSERT_TRUE(all_know(before));
    Stranger flooder(world_, "10.66.0.1:7000");
    flooder.dial(0);
    flooder.dial(1);
    world_.run_ms(1'000);
    const std::uint64_t asked_before = asked_;
    const std::uint64_t checked_before = world_.node(0).server_gossip().checked();
    std::uint64_t made = 0;
    std::string during;
    // Three minutes; signing is what takes this test's time, so a few keys a message.
    for (int second = 0; second < 180; ++second) {
        node::Servers message;
        for (int i = 0; i < 8; ++i, ++made)
            message.records.push_back(record(
                crypto::SecretKey::generate(random_),
                "10." + std::to_string(made % 250) + ".9.9:" + std::to_string(1 + made / 250)));
        flooder.say(node::MessageKind::kServers, encode(message));
        if (second == 60) during = start_server(1).address;
        world_.run_ms(1'000);
        if (second == 80) {
            EXPECT_TRUE(all_know(during)) << knowing(during);
        }
        if (second % 30 == 29)
            for (const Server& server : servers_) announce(server);
        for (int i = 2; i < kNodes; ++i)
            ASSERT_EQ(world_.node(i).server_gossip().table().waiting(), 0U)
                << "what nobody has heard answer is not passed on";
    }
    EXPECT_TRUE(all_know(before));
    EXPECT_TRUE(all_know(during));
    for (int i = 0; i < kNodes; ++i) EXPECT_EQ(world_.node(i).servers().size(), 2U);
    EXPECT_EQ(flooder.dropped, 0);
    std::printf("%llu made-up servers, %llu questions by two neighbours\n",
                static_cast<unsigned long long>(made),
                static_cast<unsigned long long>(asked_ - asked_before));
    EXPECT_LE(asked_ - asked_before, 2U * (16U + 4U * 190U) + 2U * kNodes) << "four a second each";
    EXPECT_LE(world_.node(0).server_gossip().checked() - checked_before, 512U + 64U * 190U);
}

// As fast as it can: signatures that are looked at are bounded, whatever comes.
TEST_F(ServerGossip, SignaturesOfAPeerAreCheckedAtABoundedRate) {
    Stranger flooder(world_, "10.66.0.1:7000");
    flooder.dial(0);
    world_.run_ms(1'000);
    std::vector<serve::Announce> made;
    for (int i = 0; i < 1'024; ++i)
        made.push_back(record(crypto::SecretKey::generate(random_),
                              "10." + std::to_string(i % 250) + ".9.9:1"));
    for (std::size_t at = 0; at < made.size(); at += node::kMaxServersPerMessage) {
        const node::Servers message{{made.begin() + static_cast<std::ptrdiff_t>(at),
                                     made.begin() + static_cast<std::ptrdiff_t>(at) + 64}};
        flooder.say(node::MessageKind::kServers, encode(message));
    }
    world_.run_ms(900);
    EXPECT_LE(world_.node(0).server_gossip().checked(), 512U + 64U);
    EXPECT_LE(world_.node(0).server_gossip().table().waiting(), 256U);
}

}  // namespace
}  // namespace cairn::sim
