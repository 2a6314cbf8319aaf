// Proves that a probe tells a server that answers from nothing, from silence and from a stranger's
// record, and that no link of it stays behind.
#include "serve/server_probe.h"

#include <gtest/gtest.h>

#include "serve/test_world.h"

namespace cairn::serve {
namespace {

/// A machine that takes links and answers AskAnnounce with what it is given, or not at all.
struct Machine final : net::NetworkHandler {
    FakeNetwork network;
    std::optional<Announce> says;
    std::size_t links = 0;

    Machine(TestWorld& world, const std::string& address, const crypto::SecretKey& secret)
        : network(world.loop, world.wire, address, crypto::public_key(secret)) {
        network.set_handler(this);
    }
    void on_peer_up(net::PeerId, const net::PeerInfo&) override { ++links; }
    void on_peer_down(net::PeerId, const std::string&) override { --links; }
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes) override {
        if (static_cast<MessageKind>(kind) == MessageKind::kAskAnnounce && says)
            send(network, peer, MessageKind::kAnnounce, encode(*says));
    }
};

struct ProbeTest : testing::Test {
    TestWorld world{small_model()};
    crypto::SecretKey secret = crypto::SecretKey::generate(world.random);
    crypto::SecretKey other = crypto::SecretKey::generate(world.random);
    FakeNetwork network{world.loop, world.wire, "prober:1",
                        crypto::public_key(crypto::SecretKey::generate(world.random))};
    ServerProbe probe{world.loop, network, world.clock, 3'000};

    ProbeTest() { network.set_handler(&probe); }

    Announce record(const crypto::SecretKey& by) {
        Announce result;
        result.address = "where.it.listens:1";
        result.layers = {0, 5};
        result.issued_ms = world.clock.wall_ms();
        result.expires_ms = result.issued_ms + 60'000;
        sign(result, by, {});
        return result;
    }
    Result<Announce> ask(const std::string& address) {
        std::optional<Result<Announce>> answer;
        probe.ask(address, [&](Result<Announce> got) { answer.emplace(std::move(got)); });
        EXPECT_TRUE(world.loop.run_until([&] { return answer.has_value(); }));
        world.loop.run_for(100);
        return *std::move(answer);
    }
};

TEST_F(ProbeTest, WhoAnswersIsKnownByItsKeyAndLetGo) {
    Machine server(world, "server:1", secret);
    server.says = record(secret);
    const auto answer = ask("server:1");
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->key, crypto::public_key(secret));
    EXPECT_EQ(server.links, 0U);
    EXPECT_TRUE(ask("server:1").ok()) << "and again";
}

TEST_F(ProbeTest, SilenceNobodyAndAnothersRecordAreNoServers) {
    EXPECT_FALSE(ask("nowhere:1").ok());
    Machine server(world, "server:1", secret);
    const auto silent = ask("server:1");
    ASSERT_FALSE(silent.ok());
    EXPECT_NE(silent.error().message.find("does not say what it holds"), std::string::npos);
    EXPECT_EQ(server.links, 0U);
    server.says = record(other);  // good, but not its own
    EXPECT_FALSE(ask("server:1").ok());
    EXPECT_EQ(server.links, 0U);
}

// Two keys may name one address.
TEST_F(ProbeTest, TwoQuestionsAtOnceShareALinkAndBothAreAnswered) {
    Machine server(world, "server:1", secret);
    server.says = record(secret);
    int answers = 0;
    for (int i = 0; i < 2; ++i)
        probe.ask("server:1", [&](const Result<Announce>& got) { answers += got.ok(); });
    EXPECT_TRUE(world.loop.run_until([&] { return answers == 2; }));
    world.loop.run_for(100);
    EXPECT_EQ(server.links, 0U);
}

}  // namespace
}  // namespace cairn::serve
