// Proves that networks over loopback carry messages whole, in order and within bounds, and that
// exactly the right connections last: none to another network, to itself or twice to one peer, and
// no more than there are places for.
#include "net/tls_network.h"

#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string_view>

#include "net/test_nodes.h"

namespace cairn::net {
namespace {

namespace asio = boost::asio;

TEST_F(TlsTest, TwoNodesExchangeMessages) {
    auto a = node(), b = node();
    link(*a, *b);
    EXPECT_EQ(a->up[0].second.key, b->key);
    EXPECT_TRUE(a->up[0].second.outbound);
    EXPECT_EQ(a->up[0].second.address, b->network->listen_address());
    EXPECT_EQ(b->up[0].second.key, a->key);
    EXPECT_FALSE(b->up[0].second.outbound);
    EXPECT_EQ(b->up[0].second.address, a->network->listen_address());

    for (std::uint16_t i = 0; i < 500; ++i) {
        EXPECT_TRUE(a->network->send(a->peer(), i, pattern(i)));
        EXPECT_TRUE(b->network->send(b->peer(), i, pattern(2u * i)));
    }
    ASSERT_TRUE(run_until([&] { return a->messages.size() == 500 && b->messages.size() == 500; }));
    for (std::uint16_t i = 0; i < 500; ++i) {
        EXPECT_EQ(b->messages[i].kind, i);
        EXPECT_EQ(b->messages[i].body, pattern(i));
        EXPECT_EQ(a->messages[i].body, pattern(2u * i));
        EXPECT_EQ(a->messages[i].peer, a->peer());
    }
}

TEST_F(TlsTest, ThreeNodesInARing) {
    auto a = node(), b = node(), c = node();
    a->network->connect(b->network->listen_address());
    b->network->connect(c->network->listen_address());
    c->network->connect(a->network->listen_address());
    ASSERT_TRUE(
        run_until([&] { return a->up.size() == 2 && b->up.size() == 2 && c->up.size() == 2; }));
    for (TestNode* from : {a.get(), b.get(), c.get()})
        for (const auto& [peer, info] : from->up)
            EXPECT_TRUE(from->network->send(peer, 1, from->key.view()));
    ASSERT_TRUE(run_until([&] {
        return a->messages.size() == 2 && b->messages.size() == 2 && c->messages.size() == 2;
    }));
    for (TestNode* at : {a.get(), b.get(), c.get()})
        for (const auto& message : at->messages)
            for (const auto& [peer, info] : at->up)
                EXPECT_EQ(peer == message.peer, std::ranges::equal(message.body, info.key.view()));
}

TEST_F(TlsTest, LargestMessagePassesAndLargerIsRefused) {
    auto a = node(), b = node();
    link(*a, *b);
    const Bytes largest = pattern(kMaxMessageBytes);
    EXPECT_TRUE(a->network->send(a->peer(), 3, largest));
    EXPECT_TRUE(a->network->send(a->peer(), 4, {}));
    EXPECT_FALSE(a->network->send(a->peer(), 3, Bytes(kMaxMessageBytes + 1)));
    EXPECT_FALSE(a->network->send(a->peer(), kFirstReservedKind, {}));
    EXPECT_FALSE(a->network->send(a->peer() + 100, 3, {}));
    ASSERT_TRUE(run_until([&] { return b->messages.size() == 2; }));
    EXPECT_EQ(b->messages[0].body, largest);
    EXPECT_TRUE(b->messages[1].body.empty());
}

TEST_F(TlsTest, QueueIsBounded) {
    TlsOptions small = options();
    small.max_queue_bytes = kMaxMessageBytes + 2000;
    auto a = node(std::move(small)), b = node();
    link(*a, *b);
    const Bytes body = pattern(1 << 20);
    std::size_t sent = 0;
    while (sent < 100 && a->network->send(a->peer(), 5, body)) ++sent;  // the loop does not run
    EXPECT_EQ(sent, 16u);
    EXPECT_FALSE(a->network->has_room(a->peer(), body.size()));
    EXPECT_TRUE(a->network->has_room(a->peer(), 500));
    EXPECT_FALSE(a->network->has_room(a->peer() + 100, 500)) << "nobody";
    ASSERT_TRUE(run_until([&] { return b->messages.size() == sent; })) << "what was taken arrives";
    EXPECT_TRUE(a->network->has_room(a->peer(), body.size()));
    EXPECT_TRUE(a->network->send(a->peer(), 5, body)) << "and there is room again";
}

TEST_F(TlsTest, QueuesTogetherAreBoundedAndTheFullestIsDropped) {
    TlsOptions small = options();
    small.max_queue_bytes = kMaxMessageBytes + 1000;
    small.max_all_queues_bytes = small.max_queue_bytes;
    auto a = node(std::move(small)), b = node(), c = node();
    link(*b, *a);
    link(*c, *a);
    const PeerId slow = a->up[0].second.key == b->key ? a->peer(0) : a->peer(1);
    const PeerId other = slow == a->peer(0) ? a->peer(1) : a->peer(0);
    const Bytes body = pattern(1 << 20);
    for (int i = 0; i < 12; ++i) ASSERT_TRUE(a->network->send(slow, 5, body));
    for (int i = 0; i < 6; ++i) EXPECT_TRUE(a->network->send(other, 5, body)) << i;
    EXPECT_FALSE(a->network->send(slow, 5, body)) << "it is a peer no more";
    ASSERT_TRUE(run_until([&] { return c->messages.size() == 6 && !a->down.empty(); }));
    EXPECT_TRUE(contains(a->down, "more slowly")) << a->down[0];
    EXPECT_EQ(a->up.size(), 1u);
}

TEST_F(TlsTest, DifferentNetworksRefuseEachOther) {
    TlsOptions foreign = options();
    foreign.genesis = Hash256{};  // a layer server that belongs to no chain
    auto a = node(), b = node(std::move(foreign));
    a->network->connect(b->network->listen_address());
    ASSERT_TRUE(run_until([&] { return !a->failed.empty() && !b->failed.empty(); }));
    EXPECT_TRUE(contains(a->failed, "different networks"));
    EXPECT_TRUE(contains(b->failed, "different networks")) << b->failed[0];
    EXPECT_TRUE(a->up.empty() && b->up.empty());

    TlsOptions second = options();
    second.genesis = Hash256{};
    auto c = node(std::move(second));
    link(*c, *b);  // two of no chain get along
}

TEST_F(TlsTest, WhoDialsAnyNetworkTakesPartInTheOneThatAnswers) {
    TlsOptions visitor = options();
    visitor.genesis = Hash256{};
    visitor.any_genesis = true;
    auto a = node(), b = node(std::move(visitor));
    link(*b, *a);
    // Whoever dials it has to name its own network all the same.
    auto c = node();
    c->network->connect(b->network->listen_address());
    ASSERT_TRUE(run_until([&] { return !c->failed.empty(); }));
    EXPECT_TRUE(contains(c->failed, "different networks")) << c->failed[0];
}

// What people are advised hangs on the kind.
TEST_F(TlsTest, EachFailureHasItsKind) {
    auto a = node();
    const auto kind = [&](const std::string& address) {
        const std::size_t before = a->failed_kinds.size();
        a->network->connect(address);
        EXPECT_TRUE(run_until([&] { return a->failed_kinds.size() > before; })) << address;
        return a->failed_kinds.size() > before ? a->failed_kinds.back() : ErrorCode::kMisused;
    };
    TlsOptions foreign = options();
    foreign.genesis = Hash256{};
    auto other = node(std::move(foreign));
    EXPECT_EQ(kind(other->network->listen_address()), ErrorCode::kRefused);
    EXPECT_EQ(kind(a->network->listen_address()), ErrorCode::kRefused) << "itself";
    EXPECT_EQ(kind("127.0.0.1:1"), ErrorCode::kIo);
    EXPECT_TRUE(contains(a->failed, "nothing listens there")) << a->failed.back();

    asio::ip::tcp::acceptor page(loop.context(), {asio::ip::make_address("127.0.0.1"), 0});
    asio::ip::tcp::socket visitor(loop.context());
    page.async_accept(visitor, [&](const boost::system::error_code&) {
        static constexpr std::string_view kAnswer = "HTTP/1.1 400 Bad Request\r\n\r\n";
        boost::system::error_code ignored;
        (void)visitor.write_some(asio::buffer(kAnswer), ignored);
    });
    EXPECT_EQ(kind("127.0.0.1:" + std::to_string(page.local_endpoint().port())),
              ErrorCode::kInvalid);
    EXPECT_TRUE(contains(a->failed, "no Cairn node"));
}

TEST_F(TlsTest, SelfIsRefused) {
    auto a = node();
    a->network->connect(a->network->listen_address());
    ASSERT_TRUE(run_until([&] { return !a->failed.empty(); }));
    EXPECT_TRUE(contains(a->failed, "ourselves"));
    EXPECT_TRUE(a->up.empty());
}

TEST_F(TlsTest, FailuresAreReported) {
    auto a = node(), gone = node();
    const std::string closed = gone->network->listen_address();
    gone->network.reset();
    a->network->connect(closed);
    a->network->connect("no address");
    ASSERT_TRUE(run_until([&] { return a->failed.size() == 2; }));
    EXPECT_TRUE(contains(a->failed, "nothing listens there"));
    EXPECT_TRUE(contains(a->failed, "write HOST:PORT"));

    TlsOptions taken = options();
    taken.listen = a->network->listen_address();
    const auto second = TlsNetwork::start(loop, random, std::move(taken));
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, ErrorCode::kIo);
}

TEST_F(TlsTest, DisconnectSaysGoodbye) {
    auto a = node(), b = node();
    link(*a, *b);
    a->network->send(a->peer(), 1, {});
    ASSERT_TRUE(run_until([&] { return b->messages.size() == 1; }));
    const PeerId peer = a->peer();
    a->network->disconnect(peer);
    EXPECT_EQ(a->up.size(), 1u) << "on_peer_down comes later, from the loop";
    EXPECT_FALSE(a->network->send(peer, 1, {}));
    a->network->disconnect(peer);
    ASSERT_TRUE(run_until([&] { return a->up.empty() && b->up.empty(); }));
    EXPECT_EQ(a->down, std::vector<std::string>{"disconnected by choice"});
    EXPECT_EQ(b->down, std::vector<std::string>{"the other side said: disconnected by choice"});

    link(*a, *b);
    a->network.reset();
    ASSERT_TRUE(run_until([&] { return b->up.empty(); }));
    EXPECT_TRUE(contains(b->down, "closed the connection"));
}

TEST_F(TlsTest, AHandlerMayDisconnectAndSendFromWithin) {
    auto a = node(), b = node();
    link(*a, *b);
    b->on_receive = [&](const TestNode::Message& message) {
        b->network->send(message.peer, 9, message.body);
        b->network->disconnect(message.peer);
    };
    for (int i = 0; i < 10; ++i) a->network->send(a->peer(), 1, as_bytes("x"));
    ASSERT_TRUE(run_until([&] { return a->up.empty() && b->up.empty(); }));
    EXPECT_EQ(b->messages.size(), 1u) << "nothing comes after disconnect";
}

TEST_F(TlsTest, BothDialAtOnceAndOneConnectionLasts) {
    for (int round = 0; round < 20; ++round) {
        auto a = node(), b = node();
        a->network->connect(b->network->listen_address());
        if (round % 3 == 1) run_for(1);  // other interleavings
        if (round % 3 == 2) run_for(3);
        b->network->connect(a->network->listen_address());
        ASSERT_TRUE(run_until([&] { return a->up.size() == 1 && b->up.size() == 1; }));
        run_for(20);
        ASSERT_EQ(a->up.size(), 1u);
        ASSERT_EQ(b->up.size(), 1u);
        EXPECT_NE(a->up[0].second.outbound, b->up[0].second.outbound) << "the same connection";
        a->network->send(a->peer(), 1, {});
        b->network->send(b->peer(), 1, {});
        ASSERT_TRUE(run_until([&] { return a->messages.size() == 1 && b->messages.size() == 1; }));
    }
}

TEST_F(TlsTest, TheSamePeerByTwoAddressesIsOnePeer) {
    auto a = node(), b = node();
    const std::string address = b->network->listen_address();
    const std::string other = "localhost" + address.substr(address.find(':'));
    a->network->connect(address);
    a->network->connect(other);
    ASSERT_TRUE(run_until([&] { return !a->up.empty() && !a->failed.empty(); }));
    EXPECT_EQ(a->up.size(), 1u);
    EXPECT_EQ(b->up.size(), 1u);
    EXPECT_EQ(a->failed, std::vector<std::string>{"already connected"});
    EXPECT_TRUE(a->down.empty() && b->down.empty());
}

TEST_F(TlsTest, ARestartedPeerReplacesItsOldConnection) {
    const TlsOptions same = options();
    auto before = node(same), b = node();
    link(*before, *b);
    auto after = node(same);  // the old process hangs: its connection is not closed
    after->network->connect(b->network->listen_address());
    ASSERT_TRUE(run_until([&] { return !after->up.empty(); }));
    EXPECT_EQ(b->up.size(), 1u);
    EXPECT_TRUE(contains(b->down, "replaced"));
    ASSERT_TRUE(run_until([&] { return before->up.empty(); }));
    after->network->send(after->peer(), 8, {});
    ASSERT_TRUE(run_until([&] { return b->messages.size() == 1; }));
}

TEST_F(TlsTest, PlacesAreBoundedAndSomeAreKeptForThoseWeDial) {
    TlsOptions few = options();
    few.max_peers = 3;
    few.max_inbound = 2;
    auto a = node(std::move(few)), b = node(), c = node(), d = node(), e = node(), f = node();
    link(*b, *a);
    link(*c, *a);
    d->network->connect(a->network->listen_address());
    ASSERT_TRUE(run_until([&] { return !d->up.empty() && c->up.empty(); }));
    EXPECT_EQ(a->up.size(), 2u);
    a->network->connect(e->network->listen_address());
    ASSERT_TRUE(run_until([&] { return a->up.size() == 3; }));
    a->network->connect(f->network->listen_address());
    ASSERT_TRUE(run_until([&] { return !a->failed.empty() && !f->failed.empty(); }));
    EXPECT_EQ(a->up.size(), 3u);
}

TEST_F(TlsTest, WhereWeChoseAllPeersNobodyIsTaken) {
    TlsOptions few = options();
    few.max_peers = 1;
    auto a = node(std::move(few)), b = node(), c = node();
    link(*a, *b);
    c->network->connect(a->network->listen_address());
    ASSERT_TRUE(run_until([&] { return !c->failed.empty(); }));
    EXPECT_TRUE(contains(c->failed, "no free place")) << c->failed[0];
    EXPECT_EQ(a->up.size(), 1u);
}

}  // namespace
}  // namespace cairn::net
