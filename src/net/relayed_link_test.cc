// Links over a relay: that they work, that the relay can neither read nor change nor divert them,
// and that a relay which lies, stalls, cuts or floods harms nothing else.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <set>

#include "net/address.h"
#include "net/circuits.h"
#include "net/link.h"
#include "net/test_nodes.h"

namespace cairn::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// A relay that does what a test says: it is linked with everybody who dials it.
class BadRelay final : public LinkOwner {
  public:
    BadRelay(AsioLoop& loop, Random& random, const Hash256& genesis)
        : loop_(loop), random_(random), identity_(TlsIdentity::make().value()) {
        auto settings = std::make_shared<LinkSettings>();
        settings->max_queue_bytes = 2 * kMaxMessageBytes;
        settings->handshake_timeout_ms = 10'000;
        settings->ping_after_ms = 20'000;
        settings->idle_timeout_ms = 60'000;
        settings->genesis = genesis;
        settings->key = crypto::public_key(key_);
        settings->make_hello = [this, genesis](Role role, const Hash256& channel, const Hash256&) {
            Hello hello;
            hello.genesis = genesis;
            hello.key = crypto::public_key(key_);
            hello.signature = crypto::sign(key_, hello_message(hello, role, channel), random_);
            return hello;
        };
        settings_ = settings;
        asio::co_spawn(loop.context(), accept(), asio::detached);
    }
    ~BadRelay() override {
        acceptor_.close();
        for (const auto& link : links_) link->abandon();
    }

    std::string address() const {
        return to_string(Address{"127.0.0.1", acceptor_.local_endpoint().port()});
    }
    Link& link_of(const crypto::PublicKey& key) {
        for (const auto& link : links_)
            if (link->peer().key == key) return *link;
        CHECK(false);
        return *links_.front();
    }
    Link& other(const Link& link) {
        for (const auto& one : links_)
            if (one.get() != &link) return *one;
        CHECK(false);
        return *links_.front();
    }
    static bool say(Link& to, RelayKind kind, const Bytes& body) {
        return to.send(static_cast<std::uint16_t>(kind), body);
    }

    std::function<void(Link& from, RelayKind kind, Bytes body)> on_message;
    std::size_t up = 0;

  private:
    asio::awaitable<void> accept() {
        for (;;) {
            tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
            links_.push_back(accept_link(loop_.context(), identity_, settings_, *this,
                                         links_.size() + 1, {socket.release(), AF_INET}, "x"));
        }
    }
    Status on_link_hello(Link&) override { return ok_status(); }
    void on_link_up(Link&) override { ++up; }
    void on_link_message(Link& link, std::uint16_t kind, Bytes body) override {
        if (is_relay_kind(kind) && on_message)
            on_message(link, static_cast<RelayKind>(kind), std::move(body));
    }
    void on_link_piece(Link&) override {}
    void on_link_closed(Link&, const Error&) override {}

    AsioLoop& loop_;
    Random& random_;
    TlsIdentity identity_;
    crypto::SecretKey key_ = crypto::SecretKey::generate(random_);
    std::shared_ptr<const LinkSettings> settings_;
    tcp::acceptor acceptor_{loop_.context(), tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
    std::vector<std::shared_ptr<Link>> links_;
};

class RelayedLinkTest : public TlsTest {
  protected:
    std::unique_ptr<TestNode> relay(std::size_t circuits) {
        TlsOptions chosen = options();
        chosen.relay.max_circuits = circuits;
        chosen.relay.bytes_per_s = 1 << 30;
        return node(std::move(chosen));
    }
    /// Listens nowhere; others reach it through `relay` once `answers` has its answer.
    std::unique_ptr<TestNode> behind(const std::string& relay) {
        TlsOptions chosen = options();
        chosen.listen = "";
        chosen.through = {relay};
        chosen.handshake_timeout_ms = 400;
        chosen.on_relay = [this](const std::string&, bool passes_on) {
            answers.push_back(passes_on);
        };
        return node(std::move(chosen));
    }
    std::unique_ptr<TestNode> client() {
        TlsOptions chosen = options();
        chosen.listen = "";
        chosen.handshake_timeout_ms = 400;
        return node(std::move(chosen));
    }
    static bool has(const TestNode& node, const crypto::PublicKey& key) {
        return std::ranges::any_of(node.up, [&](const auto& up) { return up.second.key == key; });
    }
    static PeerId peer(const TestNode& node, const crypto::PublicKey& key) {
        for (const auto& [id, info] : node.up)
            if (info.key == key) return id;
        return 0;
    }
    static std::string address_at(const TestNode& node, const crypto::PublicKey& key) {
        for (const auto& [id, info] : node.up)
            if (info.key == key) return info.address;
        return "not linked";
    }
    /// A server behind a bad relay, a client that is linked with it, and `said` about circuits.
    void meet(BadRelay& bad) {
        bad.on_message = [](Link& from, RelayKind kind, const Bytes&) {
            if (kind != RelayKind::kOffer) return;
            for (const Bytes& answer : {Bytes{1}, Bytes{0}, Bytes{1}})  // the first counts
                BadRelay::say(from, RelayKind::kOfferAnswer, answer);
        };
        server = behind(bad.address());
        ASSERT_TRUE(run_until([&] { return !answers.empty(); }));
        caller = client();
    }
    std::string address_of(const TestNode& node, const std::string& relay) {
        return to_string(RelayedAddress{node.key, relay});
    }

    std::vector<bool> answers;
    std::unique_ptr<TestNode> server, caller;
};

TEST_F(RelayedLinkTest, TwoThatCannotDialEachOtherAreLinkedThroughAThird) {
    auto middle = relay(4);
    server = behind(middle->network->listen_address());
    ASSERT_TRUE(run_until([&] { return !answers.empty(); }));
    EXPECT_TRUE(answers[0]);
    caller = client();
    const std::string address = address_of(*server, middle->network->listen_address());
    caller->network->connect(address);
    ASSERT_TRUE(run_until([&] { return has(*caller, server->key) && has(*server, caller->key); }));
    EXPECT_EQ(address_at(*caller, server->key), address);
    EXPECT_EQ(address_at(*server, caller->key), "") << "nobody can dial it there";

    // Several windows' worth, both ways.
    const Bytes large = pattern(3'000'000);
    ASSERT_TRUE(caller->network->send(peer(*caller, server->key), 7, large));
    ASSERT_TRUE(server->network->send(peer(*server, caller->key), 8, large));
    ASSERT_TRUE(
        run_until([&] { return !server->messages.empty() && !caller->messages.empty(); }, 20'000));
    EXPECT_EQ(server->messages[0].body, large);
    EXPECT_EQ(caller->messages[0].body, large);
    EXPECT_TRUE(middle->messages.empty()) << "the relay is told nothing of it";

    caller->network->disconnect(peer(*caller, server->key));
    ASSERT_TRUE(run_until([&] { return !has(*server, caller->key); }));
    EXPECT_TRUE(has(*server, middle->key)) << "the link with the relay stays";
}

TEST_F(RelayedLinkTest, SaysWhyThereIsNoLink) {
    auto middle = relay(0);
    server = behind(middle->network->listen_address());
    ASSERT_TRUE(run_until([&] { return !answers.empty(); }));
    EXPECT_FALSE(answers[0]) << "it was not started with --relay";
    caller = client();
    caller->network->connect(address_of(*server, middle->network->listen_address()));
    ASSERT_TRUE(run_until([&] { return !caller->failed.empty(); }));
    EXPECT_TRUE(contains(caller->failed, "passes no links on"));
    caller->network->connect("nonsense@127.0.0.1:1");
    caller->network->connect(address_of(*server, "127.0.0.1:1"));  // nobody listens there
    ASSERT_TRUE(run_until([&] { return caller->failed.size() >= 4; }));
    EXPECT_TRUE(contains(caller->failed, "KEY@HOST:PORT"));
    EXPECT_TRUE(contains(caller->failed, "the relay: nothing listens there"));
}

// A node opens its listening place before its chain is read, and only then can answer.
TEST_F(RelayedLinkTest, ARelayThatAnswersBeforeTheServerIsReadyIsDialledAgain) {
    auto middle = relay(4);
    server = behind(middle->network->listen_address());
    server->network->set_handler(nullptr);
    run_for(300);
    EXPECT_TRUE(answers.empty());
    server->network->set_handler(server.get());
    EXPECT_TRUE(run_until([&] { return answers == std::vector{true}; }));
}

TEST_F(RelayedLinkTest, AServerDialsItsRelayAgainAndIsReachedAsBefore) {
    auto middle = relay(4);
    server = behind(middle->network->listen_address());
    ASSERT_TRUE(run_until([&] { return !answers.empty(); }));
    middle->network->disconnect(peer(*middle, server->key));
    ASSERT_TRUE(run_until([&] { return answers.size() == 3; }));
    EXPECT_EQ(answers, (std::vector{true, false, true})) << "it is gone, and here again";
    caller = client();
    caller->network->connect(address_of(*server, middle->network->listen_address()));
    EXPECT_TRUE(run_until([&] { return has(*caller, server->key); }));
}

// It names another server's key to the target, and leads the caller there.
TEST_F(RelayedLinkTest, ARelayThatLeadsToAnotherNodeIsCaught) {
    BadRelay bad(loop, random, genesis);
    meet(bad);
    bad.on_message = [&](Link& from, RelayKind kind, const Bytes& body) {
        Link& to = bad.other(from);
        if (kind == RelayKind::kOpen) {
            const auto open = decode_circuit_key(body);
            BadRelay::say(to, RelayKind::kIncoming, encode(*open));
            BadRelay::say(from, RelayKind::kAccepted, encode(CircuitId{true, open->number}));
        } else if (kind == RelayKind::kData) {
            BadRelay::say(to, kind, body);
        }
    };
    caller->network->connect(to_string(RelayedAddress{random.hash256(), bad.address()}));
    ASSERT_TRUE(run_until([&] { return contains(caller->failed, "another node"); }));
    EXPECT_EQ(answers, std::vector{true});
    EXPECT_FALSE(has(*caller, server->key));
    EXPECT_FALSE(has(*server, caller->key));
}

TEST_F(RelayedLinkTest, ARelayThatChangesAByteOrStallsBreaksNothingButItsOwnLinks) {
    for (const bool stalls : {false, true}) {
        answers.clear();
        BadRelay bad(loop, random, genesis);
        meet(bad);
        int pieces = 0;
        bad.on_message = [&](Link& from, RelayKind kind, const Bytes& body) {
            Link& to = bad.other(from);
            if (kind == RelayKind::kOpen) {
                BadRelay::say(to, RelayKind::kIncoming, body);
            } else if (kind == RelayKind::kAccepted) {
                auto id = decode_circuit_id(body);
                BadRelay::say(to, kind, encode(CircuitId{true, id->number}));
            } else if (kind == RelayKind::kData) {
                auto data = decode_circuit_data(body);
                if (stalls && ++pieces > 2) return;
                if (!stalls) data->bytes.back() ^= 1;
                BadRelay::say(to, kind, encode(*data));
            }
        };
        caller->network->connect(address_of(*server, bad.address()));
        ASSERT_TRUE(run_until([&] { return !caller->failed.empty(); })) << stalls;
        EXPECT_FALSE(has(*caller, server->key));
        EXPECT_EQ(server->up.size(), 1u) << "the link with the relay";
        server.reset();
        caller.reset();
    }
}

TEST_F(RelayedLinkTest, ARelayThatFloodsWithCircuitsTakesNoMoreThanTheBound) {
    BadRelay bad(loop, random, genesis);
    meet(bad);
    std::set<std::uint32_t> open;
    std::size_t most = 0, closed = 0;
    bad.on_message = [&](Link&, RelayKind kind, const Bytes& body) {
        if (kind == RelayKind::kAccepted) open.insert(decode_circuit_id(body)->number);
        most = std::max(most, open.size());
        if (kind != RelayKind::kClosed) return;
        open.erase(decode_circuit_closed(body)->id.number);
        ++closed;
    };
    for (std::uint32_t i = 0; i < 1000; ++i)
        BadRelay::say(bad.link_of(server->key), RelayKind::kIncoming,
                      encode(CircuitKey{i, caller->key}));
    ASSERT_TRUE(run_until([&] { return closed >= 1000 - kMaxCircuitEnds; }));
    EXPECT_LE(most, kMaxCircuitEnds);
    EXPECT_GT(most, 0u);
    EXPECT_GE(server->up.size(), 1u) << "the link with the relay stays";
}

// Neither bytes beyond the window nor what does not decode is kept.
TEST_F(RelayedLinkTest, ARelayThatSendsTooMuchOrGarbageIsCut) {
    BadRelay bad(loop, random, genesis);
    meet(bad);
    Link& link = bad.link_of(server->key);
    bool closed = false;
    bad.on_message = [&](Link&, RelayKind kind, const Bytes&) {
        closed = closed || kind == RelayKind::kClosed;
    };
    BadRelay::say(link, RelayKind::kIncoming, encode(CircuitKey{1, caller->key}));
    for (std::size_t sent = 0; sent < 64 * kCircuitWindow; sent += kMaxCircuitPiece)
        BadRelay::say(link, RelayKind::kData,
                      encode(CircuitData{{false, 1}, Bytes(kMaxCircuitPiece, 3)}));
    ASSERT_TRUE(run_until([&] { return closed; }));
    EXPECT_EQ(server->up.size(), 1u);
    BadRelay::say(link, RelayKind::kTaken, Bytes(3, 0));
    ASSERT_TRUE(run_until([&] { return server->up.empty(); }));
}

// A router's port is what peers are told to dial, as long as there is one.
TEST_F(TlsTest, HelloNamesThePortOfARouter) {
    auto here = node(), there = node();
    here->network->name_port(4711);
    link(*here, *there);
    EXPECT_EQ(there->up[0].second.address, "127.0.0.1:4711");
    here->network->name_port(0);
    here->network->disconnect(here->peer());
    ASSERT_TRUE(run_until([&] { return there->up.empty() && here->up.empty(); }));
    link(*here, *there);
    EXPECT_EQ(there->up[0].second.address, here->network->listen_address());
}

}  // namespace
}  // namespace cairn::net
