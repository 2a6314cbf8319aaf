// Proves that strangers on the port (garbage, silence, floods), a relay in the middle, and peers
// that freeze are noticed, bounded and survived.
#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>

#include "net/address.h"
#include "net/hello.h"
#include "net/test_nodes.h"
#include "net/tls_identity.h"

namespace cairn::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

tcp::endpoint endpoint_of(const std::string& address) {
    const Address parsed = parse_address(address).value();
    return {asio::ip::make_address(parsed.host), parsed.port};
}

/// Copies bytes from one stream to another until either ends; drops them while `frozen` is set.
template <typename Stream>
asio::awaitable<void> pump(std::shared_ptr<Stream> from, std::shared_ptr<Stream> to,
                           std::shared_ptr<bool> frozen) {
    std::array<std::uint8_t, 4096> buffer;
    for (;;) {
        auto [error, got] = co_await from->async_read_some(asio::buffer(buffer), kAwait);
        if (error) break;
        if (*frozen) continue;
        auto [failure, put] = co_await asio::async_write(*to, asio::buffer(buffer, got), kAwait);
        if (failure) break;
    }
    boost::system::error_code ignored;
    to->lowest_layer().close(ignored);
}

class AttackTest : public TlsTest {
  protected:
    TlsOptions hasty() {
        TlsOptions result = options();
        result.handshake_timeout_ms = 1'000;
        result.ping_after_ms = 200;
        result.idle_timeout_ms = 1'000;
        return result;
    }
    std::string local_address() const {
        return to_string(Address{"127.0.0.1", acceptor.local_endpoint().port()});
    }
    /// Accepts one connection and relays TCP bytes to `target`.
    asio::awaitable<void> relay_tcp(std::string target) {
        auto near = std::make_shared<tcp::socket>(loop.context());
        auto far = std::make_shared<tcp::socket>(loop.context());
        co_await acceptor.async_accept(*near, kAwait);
        co_await far->async_connect(endpoint_of(target), kAwait);
        asio::co_spawn(loop.context(), pump(near, far, frozen), asio::detached);
        asio::co_spawn(loop.context(), pump(far, near, frozen), asio::detached);
    }
    /// As relay_tcp, but ends TLS on both sides: sees and could change everything.
    asio::awaitable<void> relay_tls(std::string target) {
        using Stream = asio::ssl::stream<tcp::socket>;
        auto near = std::make_shared<Stream>(loop.context(), *tls);
        auto far = std::make_shared<Stream>(loop.context(), *tls);
        co_await acceptor.async_accept(near->lowest_layer(), kAwait);
        co_await far->lowest_layer().async_connect(endpoint_of(target), kAwait);
        auto [error1] = co_await near->async_handshake(asio::ssl::stream_base::server, kAwait);
        auto [error2] = co_await far->async_handshake(asio::ssl::stream_base::client, kAwait);
        EXPECT_FALSE(error1 || error2);
        relayed = true;
        asio::co_spawn(loop.context(), pump(near, far, frozen), asio::detached);
        asio::co_spawn(loop.context(), pump(far, near, frozen), asio::detached);
    }
    void connect_raw(tcp::socket& socket, const TestNode& to) {
        socket.connect(endpoint_of(to.network->listen_address()));
    }

    static int count_closed(std::vector<tcp::socket>& sockets) {
        int closed = 0;
        for (tcp::socket& socket : sockets) {
            socket.non_blocking(true);
            std::uint8_t byte;
            boost::system::error_code error;
            socket.read_some(asio::buffer(&byte, 1), error);
            if (error != asio::error::would_block) ++closed;
        }
        return closed;
    }

    std::shared_ptr<bool> frozen = std::make_shared<bool>(false);
    bool relayed = false;
    std::shared_ptr<asio::ssl::context> tls =
        std::make_shared<asio::ssl::context>(TlsIdentity::make().value().share());
    tcp::acceptor acceptor{loop.context(), tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
};

TEST_F(AttackTest, ManInTheMiddleIsCaught) {
    auto a = node(), b = node();
    asio::co_spawn(loop.context(), relay_tls(b->network->listen_address()), asio::detached);
    a->network->connect(local_address());
    ASSERT_TRUE(run_until([&] { return !a->failed.empty() && !b->failed.empty(); }));
    EXPECT_TRUE(relayed);
    EXPECT_TRUE(contains(a->failed, "in the middle")) << a->failed[0];
    EXPECT_TRUE(a->up.empty() && b->up.empty());
}

TEST_F(AttackTest, AnHonestRelayOfTcpIsNotRefused) {
    auto a = node(), b = node();
    asio::co_spawn(loop.context(), relay_tcp(b->network->listen_address()), asio::detached);
    a->network->connect(local_address());
    ASSERT_TRUE(run_until([&] { return !a->up.empty() && !b->up.empty(); }));
    EXPECT_EQ(a->up[0].second.key, b->key);
}

TEST_F(AttackTest, IdlePeersAreKeptAndFrozenOnesDropped) {
    auto a = node(hasty()), b = node(hasty());
    asio::co_spawn(loop.context(), relay_tcp(b->network->listen_address()), asio::detached);
    a->network->connect(local_address());
    ASSERT_TRUE(run_until([&] { return !a->up.empty() && !b->up.empty(); }));
    run_for(2'000);
    ASSERT_EQ(a->up.size(), 1u) << "pings keep it: " << (a->down.empty() ? "" : a->down[0]);
    *frozen = true;
    ASSERT_TRUE(run_until([&] { return a->up.empty() && b->up.empty(); }));
    EXPECT_TRUE(contains(a->down, "silent") || contains(b->down, "silent"));
}

TEST_F(AttackTest, ADeadConnectionThatBlocksItsPeerIsFoundSoon) {
    TlsOptions patient = options(), other = options();
    if (crypto::public_key(other.key) < crypto::public_key(patient.key))
        std::swap(patient.key, other.key);
    patient.idle_timeout_ms = 3000;
    patient.handshake_timeout_ms = 200;
    auto a = node(std::move(patient)), b = node(other);  // a's key is smaller: its dial stays
    asio::co_spawn(loop.context(), relay_tcp(b->network->listen_address()), asio::detached);
    a->network->connect(local_address());
    ASSERT_TRUE(run_until([&] { return !a->up.empty() && !b->up.empty(); }));
    *frozen = true;  // b's machine goes down in silence, and comes back
    auto again = node(other);
    again->network->connect(a->network->listen_address());
    ASSERT_TRUE(run_until([&] { return contains(again->failed, "already connected"); }));
    ASSERT_TRUE(run_until([&] { return a->up.empty(); }, 2000)) << "well before 3 s of silence";
    again->network->connect(a->network->listen_address());
    ASSERT_TRUE(run_until([&] { return !a->up.empty() && !again->up.empty(); }));
}

TEST_F(AttackTest, GarbageOnThePortIsSurvived) {
    auto a = node(), b = node();
    for (int round = 0; round < 20; ++round) {
        tcp::socket socket(loop.context());
        connect_raw(socket, *a);
        Bytes garbage(static_cast<std::size_t>(1) << round % 12);
        random.fill(garbage);
        boost::system::error_code ignored;
        asio::write(socket, asio::buffer(garbage), ignored);
        if (round % 2 == 0) socket.close();
        run_for(2);
    }
    ASSERT_TRUE(run_until([&] { return a->failed.size() >= 10; }));
    link(*b, *a);
}

TEST_F(AttackTest, GarbageInsideTlsIsRefusedBeforeItIsHeld) {
    auto a = node();
    for (const char* frame : {"0000000100", "8a000000ffff", "000000010100", "00000000feff",
                              "08000000fcff0000000000000000", "ffffffffffff"}) {
        asio::ssl::stream<tcp::socket> stream(loop.context(), *tls);
        connect_raw(stream.next_layer(), *a);
        const std::size_t failures = a->failed.size();
        const Bytes bytes = from_hex(frame).value();
        stream.async_handshake(asio::ssl::stream_base::client, [&](auto error) {
            EXPECT_FALSE(error);
            Bytes sent = bytes;
            if (sent.size() == kFrameHeaderBytes && sent[0] == kHelloBytes)
                sent.resize(sent.size() + kHelloBytes);  // a hello of zeros
            boost::system::error_code ignored;
            asio::write(stream, asio::buffer(sent), ignored);
            if (sent.size() < kFrameHeaderBytes) stream.next_layer().close();
        });
        ASSERT_TRUE(run_until([&] { return a->failed.size() > failures; })) << frame;
        EXPECT_TRUE(a->up.empty());
    }
}

TEST_F(AttackTest, SilentStrangersAreBoundedInNumberAndTime) {
    TlsOptions few = hasty();
    few.max_pending = 4;
    auto a = node(std::move(few)), b = node();
    std::vector<tcp::socket> silent;
    for (int i = 0; i < 10; ++i) {
        silent.emplace_back(loop.context());
        connect_raw(silent.back(), *a);
    }
    run_for(30);
    EXPECT_EQ(count_closed(silent), 6);
    ASSERT_TRUE(run_until([&] { return a->failed.size() == 4; })) << "the handshake's time is up";
    EXPECT_TRUE(contains(a->failed, "does not introduce itself"));
    link(*b, *a);
}

TEST_F(AttackTest, SilentStrangersDoNotKeepUsFromDialling) {
    TlsOptions few = options();
    few.max_pending = 4;
    auto a = node(std::move(few)), b = node();
    std::vector<tcp::socket> silent;
    for (int i = 0; i < 10; ++i) {
        silent.emplace_back(loop.context());
        connect_raw(silent.back(), *a);
    }
    run_for(30);
    a->network->connect(b->network->listen_address());
    ASSERT_TRUE(run_until([&] { return !a->up.empty() || !a->failed.empty(); }));
    EXPECT_TRUE(a->failed.empty()) << a->failed[0];
}

TEST_F(AttackTest, SilentStrangersOfOneNetgroupAreHeardNoLongerThanOthers) {
    TlsOptions few = options();
    few.max_pending = 4;
    auto a = node(std::move(few)), b = node();
    std::vector<tcp::socket> silent;
    for (int i = 0; i < 10; ++i) {
        tcp::socket& socket = silent.emplace_back(loop.context());
        socket.open(tcp::v4());
        socket.bind({asio::ip::make_address("127.66.0.1"), 0});
        connect_raw(socket, *a);
    }
    run_for(30);
    link(*b, *a);
}

// Each handshake costs the loop about as much as whoever begins it.
TEST_F(AttackTest, AFloodOfHandshakesIsBoundedAndKeepsNobodyElseOut) {
    TlsOptions few = options();
    few.max_pending = 64;
    few.max_taken_per_group = 2;
    auto a = node(std::move(few)), b = node();
    std::vector<tcp::socket> flood;
    for (int i = 0; i < 40; ++i) {
        tcp::socket& socket = flood.emplace_back(loop.context());
        socket.open(tcp::v4());
        socket.bind({asio::ip::make_address("127.66.0.1"), 0});
        connect_raw(socket, *a);
    }
    b->network->connect(a->network->listen_address());
    ASSERT_TRUE(run_until([&] { return !b->up.empty() || !b->failed.empty(); }));
    EXPECT_TRUE(b->failed.empty()) << b->failed[0];
    EXPECT_GT(count_closed(flood), 20) << "of 40, two a second are heard";
}

TEST_F(AttackTest, MuteLinksDoNotOwnThePlacesForInboundPeers) {
    TlsOptions few = options();
    few.max_inbound = 4;
    few.kept_for_use = 1;
    auto a = node(std::move(few));
    std::vector<std::unique_ptr<TestNode>> mute;
    for (int i = 0; i < 4; ++i) link(*mute.emplace_back(node()), *a);
    for (const auto& [peer, info] : a->up)
        if (info.key == mute.back()->key) a->network->mark_useful(peer);
    auto newcomer = node();
    newcomer->network->connect(a->network->listen_address());
    ASSERT_TRUE(run_until([&] { return !newcomer->up.empty() || !newcomer->failed.empty(); }));
    EXPECT_TRUE(newcomer->failed.empty()) << newcomer->failed[0];
    ASSERT_TRUE(run_until([&] { return mute[2]->up.empty(); })) << "the youngest without use";
    EXPECT_EQ(a->up.size(), 4u);
    EXPECT_EQ(mute[3]->up.size(), 1u);
}

}  // namespace
}  // namespace cairn::net
