// Proves that the simulated loop keeps order and time, that a dead node's events die with it, and
// that links deliver in order, break when cut and never talk across a partition.
#include "sim/sim_network.h"

#include <gtest/gtest.h>

namespace cairn::sim {
namespace {

struct Recorder final : net::NetworkHandler {
    std::vector<std::string> seen;
    std::vector<net::PeerId> peers;
    void on_peer_up(net::PeerId peer, const net::PeerInfo& info) override {
        seen.push_back("up " + info.address);
        peers.push_back(peer);
    }
    void on_peer_down(net::PeerId, const std::string& reason) override {
        seen.push_back("down " + reason);
    }
    void on_message(net::PeerId, std::uint16_t kind, Bytes) override {
        seen.push_back(std::to_string(kind));
    }
};

struct Pair {
    Scheduler scheduler;
    Fabric fabric{scheduler, 1, LinkOptions{}};
    SimLoop loop_a{scheduler, 2};
    SimLoop loop_b{scheduler, 3};
    SimNetwork a{fabric, loop_a, "a:1", {}};
    std::unique_ptr<SimNetwork> b =
        std::make_unique<SimNetwork>(fabric, loop_b, "b:1", crypto::PublicKey{});
    Recorder at_a;
    Recorder at_b;

    Pair() {
        a.set_handler(&at_a);
        b->set_handler(&at_b);
        a.connect("b:1");
        run_ms(1000);
    }
    void run_ms(std::uint64_t ms) {
        const std::uint64_t end = scheduler.now_us() + ms * 1000;
        while (scheduler.next_us() <= end) scheduler.step();
        scheduler.advance_to(end);
    }
};

TEST(SimLoop, RunsInOrderOfTimeAndForgetsADeadNode) {
    Scheduler scheduler;
    std::string order;
    SimLoop stays(scheduler, 1);
    {
        SimLoop dies(scheduler, 2);
        dies.call_after(1, [&] { order += "dead"; });
    }
    stays.call_after(20, [&] { order += "c"; });
    stays.post([&] { order += "a"; });
    stays.cancel(stays.call_after(5, [&] { order += "cancelled"; }));
    stays.set_lane_time(Lane::kChain, {10'000, 10'000});
    stays.offload(
        Lane::kChain, [&] { order += "w"; }, [&] { order += "b"; });
    while (scheduler.step()) {
    }
    EXPECT_EQ(order, "awbc");
    EXPECT_EQ(scheduler.now_ms(), 20U);
}

TEST(SimLoop, OneLaneDoesOneThingAtATime) {
    Scheduler scheduler;
    SimLoop loop(scheduler, 1);
    loop.set_lane_time(Lane::kChain, {10'000, 10'000});
    std::vector<std::uint64_t> done_ms;
    for (int i = 0; i < 3; ++i)
        loop.offload(
            Lane::kChain, [] {}, [&] { done_ms.push_back(scheduler.now_ms()); });
    while (scheduler.step()) {
    }
    EXPECT_EQ(done_ms, (std::vector<std::uint64_t>{10, 20, 30}));
}

TEST(SimNetwork, DeliversInOrder) {
    Pair pair;
    ASSERT_EQ(pair.at_a.peers.size(), 1U);
    EXPECT_EQ(pair.at_a.seen[0], "up b:1");
    for (std::uint16_t kind = 1; kind <= 50; ++kind)
        EXPECT_TRUE(pair.a.send(pair.at_a.peers[0], kind, {}));
    pair.run_ms(1000);
    ASSERT_EQ(pair.at_b.seen.size(), 51U);
    for (std::size_t i = 1; i <= 50; ++i) EXPECT_EQ(pair.at_b.seen[i], std::to_string(i));
}

TEST(SimNetwork, APartitionCutsAndRefuses) {
    Pair pair;
    pair.fabric.partition({{"b:1", 1}});
    EXPECT_TRUE(pair.a.send(pair.at_a.peers[0], 7, {}));  // not noticed yet
    pair.run_ms(3000);
    EXPECT_EQ(pair.at_a.seen.back(), "down timed out");
    EXPECT_EQ(pair.at_b.seen.back(), "down timed out");
    pair.a.connect("b:1");
    pair.run_ms(1000);
    EXPECT_EQ(pair.at_a.peers.size(), 1U);
    pair.fabric.heal();
    pair.a.connect("b:1");
    pair.run_ms(1000);
    EXPECT_EQ(pair.at_a.peers.size(), 2U);
}

TEST(SimNetwork, PeersOfADeadNodeAreTold) {
    Pair pair;
    EXPECT_TRUE(pair.a.send(pair.at_a.peers[0], 7, {}));
    pair.b.reset();
    pair.run_ms(1000);
    EXPECT_EQ(pair.at_a.seen.back(), "down connection reset");
    EXPECT_FALSE(pair.a.send(pair.at_a.peers[0], 7, {}));
}

TEST(SimNetwork, LossBreaksTheLinkForBoth) {
    Pair pair;
    LinkOptions options;
    options.break_per_million = 1'000'000;
    pair.fabric.set_options(options);
    EXPECT_TRUE(pair.a.send(pair.at_a.peers[0], 7, {}));
    pair.run_ms(3000);
    EXPECT_EQ(pair.at_a.seen.back(), "down connection lost");
    EXPECT_EQ(pair.at_b.seen.back(), "down connection lost");
}

}  // namespace
}  // namespace cairn::sim
