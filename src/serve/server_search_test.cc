// Proves that a search ends with an offer or a sentence for every address, whatever the server
// there does, and that nothing but a server's own valid announcement counts as an offer.
#include "serve/server_search.h"

#include <gtest/gtest.h>

#include "serve/test_world.h"

namespace cairn::serve {
namespace {

/// A server that answers AskAnnounce as the test tells it to.
struct Announcer final : net::NetworkHandler {
    TestWorld& world;
    crypto::SecretKey secret;
    FakeNetwork network;
    std::function<void(Announce&)> before_signing = [](Announce&) {};
    std::optional<crypto::SecretKey> signed_by;
    bool silent = false;
    net::PeerId client = 0;

    Announcer(TestWorld& w, const std::string& address)
        : world(w),
          secret(crypto::SecretKey::generate(w.random)),
          network(w.loop, w.wire, address, crypto::public_key(secret)) {
        network.set_handler(this);
    }
    Bytes record() {
        Announce result;
        result.address = "where.it.listens:1";
        result.layers = {0, 5};
        result.issued_ms = world.clock.wall_ms();
        result.expires_ms = result.issued_ms + 1000;
        before_signing(result);
        sign(result, signed_by.value_or(secret), {});
        return encode(result);
    }
    void on_peer_up(net::PeerId peer, const net::PeerInfo&) override { client = peer; }
    void on_peer_down(net::PeerId, const std::string&) override {}
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes) override {
        if (static_cast<MessageKind>(kind) != MessageKind::kAskAnnounce || silent) return;
        send(network, peer, MessageKind::kAnnounce, record());
    }
};

struct ServerSearchTest : ::testing::Test {
    TestWorld world{small_model(), {.discover_ms = 1000, .session = {}}};
    Announcer server{world, "server"};

    /// The one sentence of a search that finds nothing.
    std::string why_silent() {
        const Discovery found = world.discover({"server"});
        EXPECT_TRUE(found.offers.empty());
        EXPECT_EQ(found.silent.size(), 1U);
        return found.silent.empty() ? "" : found.silent[0];
    }
};

TEST_F(ServerSearchTest, FindsTheServerAtTheAddressThatReachedIt) {
    const Discovery found = world.discover({"server"});
    ASSERT_EQ(found.offers.size(), 1U);
    EXPECT_TRUE(found.silent.empty());
    EXPECT_EQ(found.offers[0].key, crypto::public_key(server.secret));
    EXPECT_EQ(found.offers[0].address, "server");
    // The link is there now and is asked again.
    EXPECT_EQ(world.discover({"server"}).offers.size(), 1U);
}

TEST_F(ServerSearchTest, WithoutAddressesEndsWithNothing) {
    const Discovery found = world.discover({});
    EXPECT_TRUE(found.offers.empty() && found.silent.empty());
}

TEST_F(ServerSearchTest, RefusesBadAnnouncements) {
    server.before_signing = [](Announce& record) { record.expires_ms = record.issued_ms; };
    EXPECT_NE(why_silent().find("server sent a bad announcement: "), std::string::npos);
    server.before_signing = [](Announce&) {};
    server.signed_by = crypto::SecretKey::generate(world.random);
    EXPECT_EQ(why_silent(), "server sent a bad announcement: its announcement is of another key");
}

TEST_F(ServerSearchTest, GivesUpWhenTimeIsUp) {
    server.silent = true;
    const std::uint64_t before_us = world.clock.monotonic_us();
    const Discovery found = world.discover({"server", "nowhere"});
    EXPECT_EQ(found.silent, (std::vector<std::string>{"server does not say what it holds",
                                                      "nowhere cannot be reached in time"}));
    EXPECT_EQ(world.clock.monotonic_us() - before_us, 1'000'000U);
    // What comes late belongs to no search.
    send(server.network, server.client, MessageKind::kAnnounce, server.record());
    world.loop.run_for(10);
}

TEST_F(ServerSearchTest, AFailedOrClosedConnectionEndsTheWaitAtOnce) {
    server.silent = true;
    std::vector<std::string> silent;
    world.client->search().discover({"server", "nowhere"},
                                    [&](Discovery found) { silent = found.silent; });
    world.client->on_connect_failed("nowhere", "no host of this name");
    world.loop.run_for(10);
    EXPECT_TRUE(silent.empty()) << "the other address is still waited for";
    server.network.disconnect(server.client);
    world.loop.run_for(10);
    EXPECT_EQ(silent,
              (std::vector<std::string>{"server closed: reset by peer",
                                        "nowhere cannot be reached: no host of this name"}));
}

TEST_F(ServerSearchTest, SeveralSearchesAreAnsweredEachForItself) {
    std::vector<std::size_t> offers;
    world.client->search().discover(
        {"server", "nowhere"}, [&](Discovery found) { offers.push_back(found.offers.size()); });
    world.client->search().discover(
        {"server"}, [&](Discovery found) { offers.push_back(found.offers.size()); });
    world.loop.run_for(10);
    EXPECT_EQ(offers, (std::vector<std::size_t>{1}));
    world.loop.run_for(1000);
    EXPECT_EQ(offers, (std::vector<std::size_t>{1, 1}));
}

}  // namespace
}  // namespace cairn::serve
