// Proves that a client believes nothing of a server that it did not check: results must be for what
// was asked, finite, and signed by the hop for the right layers, inputs and outputs.
#include "serve/client_sessions.h"

#include <gtest/gtest.h>

#include <limits>

#include "serve/test_world.h"

namespace cairn::serve {
namespace {

/// A server that signs whatever the test tells it to.
struct Liar final : net::NetworkHandler {
    TestWorld& world;
    crypto::SecretKey secret;
    FakeNetwork network;
    OpenSession opened;
    InputChain inputs;
    std::function<void(Push&)> before_signing = [](Push&) {};
    std::function<void(Receipt&)> lie = [](Receipt&) {};
    std::function<void(PushResult&)> after_signing = [](PushResult&) {};

    Liar(TestWorld& w, const std::string& address)
        : world(w),
          secret(crypto::SecretKey::generate(w.random)),
          network(w.loop, w.wire, address, crypto::public_key(secret)) {
        network.set_handler(this);
    }
    void on_peer_up(net::PeerId, const net::PeerInfo&) override {}
    void on_peer_down(net::PeerId, const std::string&) override {}
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override {
        if (kind == static_cast<std::uint16_t>(MessageKind::kOpenSession)) {
            opened = decode_open_session(body).value();
            network.send(peer, static_cast<std::uint16_t>(MessageKind::kOpened),
                         encode_session_id(opened.terms.session));
        }
        if (kind != static_cast<std::uint16_t>(MessageKind::kPush)) return;
        Push push = decode_push(body).value();
        inputs.put(push.position, push.states, world.snapshot.config.dim);
        before_signing(push);
        Receipt receipt{opened.layers, inputs.end(), states_hash(push.position, push.states), {}};
        lie(receipt);
        receipt =
            make_receipt(opened.terms, receipt.layers, receipt.inputs, receipt.output, secret, {});
        PushResult result{std::move(push), receipt};
        after_signing(result);
        network.send(peer, static_cast<std::uint16_t>(MessageKind::kResult), encode(result));
    }
};

struct ClientSessionsTest : ::testing::Test {
    TestWorld world{small_model()};
    Liar liar{world, "liar"};

    std::string push_error() {
        const auto opened = world.open({{{0, 5}, crypto::public_key(liar.secret), "liar"}}, 64);
        liar.inputs = {};
        const auto answer = world.push(std::get<Hash256>(opened), world.some_states(2, 1));
        const auto* failure = std::get_if<Failure>(&answer);
        return failure == nullptr ? "" : failure->error.message;
    }
    void expect_error(const std::string& words) {
        const std::string error = push_error();
        EXPECT_NE(error.find(words), std::string::npos) << error;
    }
};

TEST_F(ClientSessionsTest, TakesWhatFits) { EXPECT_EQ(push_error(), ""); }

TEST_F(ClientSessionsTest, RefusesOtherInputsThanItGave) {
    liar.lie = [](Receipt& receipt) { receipt.inputs.bytes[0] ^= 1; };
    expect_error("signed for other inputs than it was given");
}

TEST_F(ClientSessionsTest, RefusesOtherLayersThanItAsked) {
    liar.lie = [](Receipt& receipt) { receipt.layers.end = 4; };
    expect_error("signed for other layers than were asked");
}

TEST_F(ClientSessionsTest, RefusesAnOutputThatIsNotTheSignedOne) {
    liar.after_signing = [](PushResult& result) { result.push.states[7] += 1.0F; };
    expect_error("sent a bad receipt");
}

TEST_F(ClientSessionsTest, RefusesAnotherPersonsSignature) {
    const crypto::SecretKey other = crypto::SecretKey::generate(world.random);
    liar.after_signing = [&](PushResult& result) {
        const Receipt own = result.receipt;
        result.receipt =
            make_receipt(liar.opened.terms, own.layers, own.inputs, own.output, other, {});
    };
    expect_error("sent a bad receipt");
}

TEST_F(ClientSessionsTest, RefusesOtherPositions) {
    liar.after_signing = [](PushResult& result) { result.push.position = 1; };
    expect_error("answered for other positions than were asked");
    liar.after_signing = [](PushResult& result) {
        result.push.tokens = 1;
        result.push.states.resize(result.push.states.size() / 2);
    };
    expect_error("answered for other positions than were asked");
}

TEST_F(ClientSessionsTest, RefusesNan) {
    liar.before_signing = [](Push& push) {
        push.states[3] = std::numeric_limits<float>::quiet_NaN();
    };
    expect_error("bad result: the activation in row 0, column 3 is NaN");
}

TEST_F(ClientSessionsTest, RefusesAPushThatItsSessionHasNoRoomFor) {
    const auto opened = world.open({{{0, 5}, crypto::public_key(liar.secret), "liar"}}, 3);
    const Hash256 session = std::get<Hash256>(opened);
    auto answer = world.push(session, world.some_states(4, 1));
    ASSERT_TRUE(std::holds_alternative<Failure>(answer));
    EXPECT_NE(std::get<Failure>(answer).error.message.find("3 positions"), std::string::npos);
    // Nothing was sent; what fits still goes.
    answer = world.push(session, world.some_states(3, 1));
    EXPECT_TRUE(std::holds_alternative<States>(answer));
}

}  // namespace
}  // namespace cairn::serve
