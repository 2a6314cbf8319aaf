// Proves that peers which send and do not read, read next to nothing, or never finish a message,
// take little memory, and that it is they who are dropped, not the peer that fetches a block.
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

/// A peer that introduces itself, sends what it is told to, and reads nothing until told.
class DeafPeer {
  public:
    DeafPeer(AsioLoop& loop, asio::ssl::context& tls, crypto::SecretKey key, Hash256 genesis)
        : loop_(loop), stream_(loop.context(), tls), key_(key), genesis_(genesis) {}

    void start(const std::string& address, Bytes to_send) {
        address_ = parse_address(address).value();
        to_send_ = std::move(to_send);
        asio::co_spawn(loop_.context(), run(), asio::detached);
    }
    void say(const Bytes& bytes) {
        to_send_ = bytes;
        asio::async_write(stream_, asio::buffer(to_send_), [](auto, std::size_t) {});
    }
    /// Reads up to a message of this kind.
    void listen_until(std::uint16_t kind) {
        asio::co_spawn(loop_.context(), read_until(kind), asio::detached);
    }
    bool heard() const { return heard_; }
    int pongs() const { return pongs_; }
    crypto::PublicKey key() const { return crypto::public_key(key_); }
    bool sent() const { return sent_; }

  private:
    asio::awaitable<void> run() {
        const tcp::endpoint to(asio::ip::make_address(address_.host), address_.port);
        co_await stream_.next_layer().async_connect(to, kAwait);
        co_await stream_.async_handshake(asio::ssl::stream_base::client, kAwait);
        Bytes theirs(kFrameHeaderBytes + kHelloBytes);
        co_await asio::async_read(stream_, asio::buffer(theirs), kAwait);
        Hello hello;
        hello.genesis = genesis_;
        hello.key = key();
        const Hash256 channel = channel_value(stream_.native_handle());
        hello.signature =
            crypto::sign(key_, hello_message(hello, Role::kDialler, channel), random_);
        const Bytes ours =
            encode_frame(static_cast<std::uint16_t>(LinkKind::kHello), encode_hello(hello));
        co_await asio::async_write(stream_, asio::buffer(ours), kAwait);
        Bytes welcome(kFrameHeaderBytes);
        co_await asio::async_read(stream_, asio::buffer(welcome), kAwait);
        auto [error, count] = co_await asio::async_write(stream_, asio::buffer(to_send_), kAwait);
        sent_ = !error;
    }

    asio::awaitable<void> read_until(std::uint16_t kind) {
        while (!heard_) {
            Bytes header(kFrameHeaderBytes);
            co_await asio::async_read(stream_, asio::buffer(header), kAwait);
            const FrameHeader frame = decode_frame_header(header).value();
            Bytes body(frame.body_bytes);
            co_await asio::async_read(stream_, asio::buffer(body), kAwait);
            pongs_ += frame.kind == static_cast<std::uint16_t>(LinkKind::kPong);
            heard_ = frame.kind == kind;
        }
    }

    AsioLoop& loop_;
    asio::ssl::stream<tcp::socket> stream_;
    crypto::SecretKey key_;
    SystemRandom random_;
    Hash256 genesis_;
    Address address_;
    Bytes to_send_;
    bool sent_ = false;
    bool heard_ = false;
    int pongs_ = 0;
};

class MemoryTest : public TlsTest {
  protected:
    /// Links one more, waits until it has sent everything, and gives its id at `to`.
    PeerId link_deaf(TestNode& to, Bytes to_send = {}) {
        deaf_.push_back(
            std::make_unique<DeafPeer>(loop, tls_, crypto::SecretKey::generate(random), genesis));
        DeafPeer& peer = *deaf_.back();
        peer.start(to.network->listen_address(), std::move(to_send));
        EXPECT_TRUE(run_until([&] { return peer.sent(); }, 20'000));
        for (const auto& [id, info] : to.up)
            if (info.key == peer.key()) return id;
        ADD_FAILURE() << "it is not linked";
        return 0;
    }
    static bool is_up(const TestNode& at, PeerId peer) {
        return std::ranges::any_of(at.up, [peer](const auto& up) { return up.first == peer; });
    }

    asio::ssl::context tls_{TlsIdentity::make().value().share()};
    std::vector<std::unique_ptr<DeafPeer>> deaf_;
};

TEST_F(MemoryTest, PingsOfAPeerThatDoesNotReadAreNotAnsweredWithoutEnd) {
    auto a = node();
    const Bytes ping = encode_frame(static_cast<std::uint16_t>(LinkKind::kPing), Bytes(8, 0));
    Bytes pings;
    for (int i = 0; i < 1'000; ++i) pings.insert(pings.end(), ping.begin(), ping.end());
    const Bytes last = encode_frame(7, Bytes(1, 0));
    pings.insert(pings.end(), last.begin(), last.end());
    // Fills what the operating system takes for it, too, before the pings are handled.
    ASSERT_TRUE(a->network->send(link_deaf(*a), 5, pattern(kMaxMessageBytes)));
    DeafPeer& peer = *deaf_.back();
    run_for(100);
    peer.say(pings);
    ASSERT_TRUE(run_until([&] { return a->messages.size() == 1; }));
    ASSERT_TRUE(a->network->send(a->peer(), 9, {}));
    peer.listen_until(9);
    ASSERT_TRUE(run_until([&] { return peer.heard(); }));
    EXPECT_LE(peer.pongs(), 1);
}

TEST_F(MemoryTest, PeersThatReadNothingDoNotGetTheOneDroppedThatFetchesABlock) {
    TlsOptions small = options();
    small.max_queue_bytes = 2 * kMaxMessageBytes;
    small.max_all_queues_bytes = std::size_t{34} << 20;
    auto a = node(std::move(small)), honest = node();
    const Bytes body = pattern(kMaxMessageBytes - 1'000);
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(a->network->send(link_deaf(*a), 5, body));
    link(*honest, *a);
    const PeerId fetches = a->up.back().first;
    run_for(700);  // the age of what waits is counted in quarters of a second
    ASSERT_EQ(a->up.size(), 3U);
    ASSERT_TRUE(a->network->send(fetches, 5, body));
    ASSERT_TRUE(a->network->send(fetches, 5, pattern(12 << 20)));
    EXPECT_TRUE(is_up(*a, fetches));
    ASSERT_TRUE(run_until([&] { return honest->messages.size() == 2; }));
    ASSERT_TRUE(run_until([&] { return !a->down.empty(); }));
    EXPECT_TRUE(contains(a->down, "reads more slowly")) << a->down[0];
}

TEST_F(MemoryTest, MessagesThatNeverEndAreBoundedTogether) {
    TlsOptions small = options();
    small.max_all_incoming_bytes = std::size_t{20} << 20;
    auto a = node(std::move(small));
    Bytes half = encode_frame(5, Bytes(kMaxMessageBytes, 1));
    half.resize(8 << 20);
    const PeerId first = link_deaf(*a, half);
    run_for(700);
    link_deaf(*a, half);
    run_for(300);
    EXPECT_EQ(a->up.size(), 2U);
    link_deaf(*a, half);
    ASSERT_TRUE(run_until([&] { return a->up.size() == 2; })) << "24 MiB are held";
    EXPECT_FALSE(is_up(*a, first)) << "the one that has been at it for longest";
    EXPECT_TRUE(contains(a->down, "too slowly")) << a->down[0];
}

}  // namespace
}  // namespace cairn::net
