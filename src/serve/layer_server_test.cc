// Proves that a server's layers over the wire give the bits of one process, alone and among others,
// and that what is wrong, too much, too late or from a stranger is refused with a reason.
#include "serve/layer_server.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "serve/test_world.h"

namespace cairn::serve {
namespace {

bool same_bits(const States& a, const States& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

struct LayerServerTest : ::testing::Test {
    TestWorld world{small_model()};

    std::vector<Hop> route() {
        const Discovery found = world.discover(world.addresses());
        auto chosen =
            choose_route(found.offers, world.snapshot.hash, {0, world.snapshot.config.layers});
        if (!chosen.ok()) {
            ADD_FAILURE() << chosen.error().message;
            for (const std::string& silent : found.silent) ADD_FAILURE() << silent;
            return {};
        }
        return *chosen;
    }
    Hash256 must_open(std::uint32_t positions = 64) {
        const auto answer = world.open(route(), positions);
        if (const auto* failure = std::get_if<Failure>(&answer))
            ADD_FAILURE() << failure->error.message;
        return std::get<Hash256>(answer);
    }
    std::string open_error(const std::vector<Hop>& over, std::uint32_t positions = 64) {
        const auto answer = world.open(over, positions);
        const auto* failure = std::get_if<Failure>(&answer);
        return failure == nullptr ? "" : failure->error.message;
    }
};

TEST_F(LayerServerTest, AnySplitGivesTheBitsOfOneProcess) {
    const std::vector<std::vector<std::uint32_t>> splits = {
        {0, 5}, {0, 2, 5}, {0, 1, 3, 5}, {0, 1, 2, 3, 4, 5}};
    const States states = world.some_states(40, 1);
    const States expected = world.local_forward(states);
    for (const auto& split : splits) {
        world.servers.clear();
        world.loop.run_for(1);
        for (std::size_t i = 0; i + 1 < split.size(); ++i)
            world.add_server("s" + std::to_string(i), {split[i], split[i + 1]});
        const Hash256 session = must_open();
        // A prefill of 37 and three single tokens.
        const std::size_t dim = world.snapshot.config.dim;
        States got;
        for (const auto& [from, to] : std::vector<std::pair<std::size_t, std::size_t>>{
                 {0, 37}, {37, 38}, {38, 39}, {39, 40}}) {
            const auto answer =
                world.push(session, {states.begin() + static_cast<std::ptrdiff_t>(from * dim),
                                     states.begin() + static_cast<std::ptrdiff_t>(to * dim)});
            ASSERT_TRUE(std::holds_alternative<States>(answer))
                << std::get<Failure>(answer).error.message;
            const auto& piece = std::get<States>(answer);
            got.insert(got.end(), piece.begin(), piece.end());
        }
        EXPECT_TRUE(same_bits(got, expected)) << split.size() - 1 << " servers";
        world.close(session);
        world.loop.run_for(10);
        for (const auto& [address, server] : world.servers) {
            EXPECT_EQ(server.server->open_sessions(), 0U) << address;
            EXPECT_EQ(server.server->session_bytes(), 0U) << address;
        }
    }
}

TEST_F(LayerServerTest, SessionsBatchedTogetherDoNotChangeBits) {
    world.add_server("a", {0, 3});
    world.add_server("b", {3, 5});
    constexpr std::size_t kSessions = 6;
    std::vector<Hash256> sessions;
    std::vector<States> inputs;
    std::vector<States> outputs(kSessions);
    for (std::size_t i = 0; i < kSessions; ++i) {
        sessions.push_back(must_open());
        inputs.push_back(world.some_states(5 + i, 10 + i));
    }
    // All pieces of all sessions are queued before any is computed.
    world.loop.hold_work(true);
    std::size_t answered = 0;
    std::size_t asked = 0;
    for (std::size_t i = 0; i < kSessions; ++i) {
        const std::size_t dim = world.snapshot.config.dim;
        const std::size_t half = inputs[i].size() / dim / 2 * dim;
        for (const auto& [from, to] : std::vector<std::pair<std::size_t, std::size_t>>{
                 {0, half}, {half, inputs[i].size()}}) {
            ++asked;
            world.push(sessions[i],
                       {inputs[i].begin() + static_cast<std::ptrdiff_t>(from),
                        inputs[i].begin() + static_cast<std::ptrdiff_t>(to)},
                       [&, i](auto answer) {
                           ++answered;
                           if (const auto* s = std::get_if<States>(&answer))
                               outputs[i].insert(outputs[i].end(), s->begin(), s->end());
                       });
        }
    }
    world.loop.run_for(5);
    world.loop.hold_work(false);
    ASSERT_TRUE(world.loop.run_until([&] { return answered == asked; }));
    for (std::size_t i = 0; i < kSessions; ++i)
        EXPECT_TRUE(same_bits(outputs[i], world.local_forward(inputs[i]))) << "session " << i;
}

TEST_F(LayerServerTest, RefusesWhenFull) {
    LayerServerOptions options;
    options.max_sessions = 1;
    world.add_server("a", {0, 5}, options);
    const std::vector<Hop> over = route();
    ASSERT_EQ(open_error(over), "");
    const std::string error = open_error(over);
    EXPECT_NE(error.find("refused (busy): all of this server's memory"), std::string::npos)
        << error;
    EXPECT_NE(error.find("hop 1 of 1 (a, layers 0-5)"), std::string::npos) << error;
    world.loop.run_for(1'000);
    const Discovery found = world.discover({"a"});
    EXPECT_EQ(found.offers.at(0).load, found.offers.at(0).capacity) << "its announcement says so";
}

TEST_F(LayerServerTest, MemoryIsCountedInBytes) {
    LayerServerOptions options;
    // Room for one session of 64 positions with what may wait, not for one of 128.
    options.max_session_bytes = 80 * 1024;
    options.max_sessions = 64;
    FakeServer& a = world.add_server("a", {0, 5}, options);
    const std::vector<Hop> over = route();
    EXPECT_NE(open_error(over, 128).find("128 positions is more than this server's memory"),
              std::string::npos);
    EXPECT_EQ(open_error(over, 64), "");
    EXPECT_NE(open_error(over, 64).find("busy"), std::string::npos);
    EXPECT_EQ(a.server->session_bytes(), 40U * 1024 + 32 * 1024 + 64 * 32);
}

TEST_F(LayerServerTest, RefusesWhatItDoesNotHold) {
    world.add_server("a", {0, 2});
    world.add_server("b", {2, 5});
    std::vector<Hop> over = route();
    std::vector<Hop> shifted = over;
    shifted[0].layers = {0, 3};
    EXPECT_NE(open_error(shifted).find("this server holds layers 0-2, not layers 0-3"),
              std::string::npos);
    EXPECT_NE(open_error(over, 129).find("context of 128"), std::string::npos);
    world.snapshot.hash.bytes[0] ^= 1;
    EXPECT_NE(open_error(over).find("wrong model"), std::string::npos);
}

TEST_F(LayerServerTest, RefusesAnOpeningWithTheReason) {
    world.add_server("a", {1, 4});
    RawPeer raw(world, "raw");
    raw.network.connect("a");
    world.loop.run_for(10);
    const OpenSession good{
        {.session = world.random.hash256(), .model = world.snapshot.hash, .max_positions = 64},
        {1, 4},
        {}};
    const auto why = [&](const std::function<void(OpenSession&)>& change) {
        OpenSession asked = good;
        asked.terms.session = world.random.hash256();
        change(asked);
        raw.errors.clear();
        raw.send(MessageKind::kOpenSession, encode(asked));
        return raw.errors.empty() ? "" : raw.errors.back();
    };
    EXPECT_EQ(why([&](OpenSession& open) { open = good; }), "");
    EXPECT_EQ(why([&](OpenSession& open) { open = good; }),
              "bad request: this session id is in use");
    EXPECT_EQ(why([](OpenSession& open) {
                  open.layers = {0, 4};
              }),
              "wrong layers: this server holds layers 1-4, not layers 0-4");
    EXPECT_EQ(why([](OpenSession& open) {
                  open.layers = {1, 5};
              }),
              "wrong layers: this server holds layers 1-4, not layers 1-5");
    EXPECT_EQ(why([](OpenSession& open) { ++open.terms.numerics; }),
              "unsupported: this server computes by numerics version 1 only");
    for (const std::uint32_t positions : {0U, world.snapshot.config.context + 1})
        EXPECT_EQ(why([&](OpenSession& open) { open.terms.max_positions = positions; }),
                  "bad request: positions must be 1 to the model's context of 128");
    EXPECT_EQ(
        why([&](OpenSession& open) { open.terms.max_positions = world.snapshot.config.context; }),
        "");
    EXPECT_EQ(why([](OpenSession& open) {
                  open.payment = SessionPayment{{}, 7, {}};
              }),
              "unpaid: this server takes no coins");
}

TEST_F(LayerServerTest, IdleSessionsExpireAndLostClientsFreeTheirCaches) {
    LayerServerOptions options;
    options.idle_ms = 5'000;
    FakeServer& a = world.add_server("a", {0, 5}, options);
    const Hash256 session = must_open();
    world.loop.run_for(4'000);
    EXPECT_EQ(a.server->open_sessions(), 1U);
    world.loop.run_for(3'000);
    EXPECT_EQ(a.server->open_sessions(), 0U);
    const auto answer = world.push(session, world.some_states(1, 1));
    ASSERT_TRUE(std::holds_alternative<Failure>(answer));
    EXPECT_NE(std::get<Failure>(answer).error.message.find("expired"), std::string::npos);

    must_open();
    EXPECT_GT(a.server->session_bytes(), 0U);
    world.client_network.die();
    world.loop.run_for(10);
    EXPECT_EQ(a.server->open_sessions(), 0U);
    EXPECT_EQ(a.server->session_bytes(), 0U);
}

TEST_F(LayerServerTest, SessionsAreOpenedOnTheNewestModelsAndKeepTheirs) {
    FakeServer& a = world.add_server("a", {0, 5});
    const Hash256 session = must_open();
    const States states = world.some_states(6, 2);
    const States expected = world.local_forward(states);
    std::vector<float> parameters = model::dense_parameters(*world.model);
    const auto move_on = [&] {
        parameters[parameters.size() / 2] += 1.0F;
        const auto snapshot = snapshot_of(std::make_shared<const model::Model>(
                                              model::make_model(world.model->config, parameters)))
                                  .value();
        a.server->set_model(snapshot, {0, 5});
        return snapshot.hash;
    };
    const std::vector<Hop> over = {{{0, 5}, crypto::public_key(a.secret), "a"}};
    const auto announced = [&](const Hash256& model) { return a.server->announce(model)->model; };
    const Hash256 second = move_on();
    EXPECT_EQ(announced({}), second);
    EXPECT_EQ(announced(world.snapshot.hash), world.snapshot.hash);
    const Hash256 third = move_on();
    EXPECT_EQ(open_error(over), "") << "two models later";
    const Hash256 fourth = move_on();
    EXPECT_NE(open_error(over).find("wrong model"), std::string::npos) << "three models later";
    EXPECT_EQ(announced(world.snapshot.hash), fourth);
    EXPECT_EQ(announced(third), third);
    const auto answer = world.push(session, states);
    ASSERT_TRUE(std::holds_alternative<States>(answer));
    EXPECT_TRUE(same_bits(std::get<States>(answer), expected));
}

TEST_F(LayerServerTest, MalformedMessagesAreRefused) {
    FakeServer& a = world.add_server("a", {0, 5});
    RawPeer raw(world, "raw");
    ASSERT_TRUE(raw.open_at("a"));
    for (const MessageKind kind :
         {MessageKind::kOpenSession, MessageKind::kPush, MessageKind::kClose,
          MessageKind::kAskProgress, MessageKind::kAskAnnounce}) {
        raw.errors.clear();
        raw.send(kind, Bytes(5, 0xff));
        ASSERT_EQ(raw.errors.size(), 1U) << static_cast<int>(kind);
        EXPECT_NE(raw.errors[0].find("bad request"), std::string::npos);
    }
    EXPECT_EQ(a.server->open_sessions(), 1U);
}

TEST_F(LayerServerTest, WrongPushesEndTheSessionWithAReason) {
    FakeServer& a = world.add_server("a", {0, 5});
    RawPeer raw(world, "raw");
    const auto expect_refused = [&](const std::function<Push()>& make, const std::string& reason) {
        ASSERT_TRUE(raw.open_at("a"));
        raw.errors.clear();
        raw.send(MessageKind::kPush, encode(make()));
        ASSERT_EQ(raw.errors.size(), 1U) << reason;
        EXPECT_NE(raw.errors[0].find(reason), std::string::npos) << raw.errors[0];
        EXPECT_EQ(a.server->open_sessions(), 0U);
        EXPECT_EQ(a.server->session_bytes(), 0U);
    };
    const States good = world.some_states(2, 1);
    States nan = good;
    nan[40] = std::numeric_limits<float>::quiet_NaN();
    expect_refused([&] { return raw.push(0, nan); }, "not finite: the activation in row 1");
    expect_refused([&] { return raw.push(3, good); }, "position 3, expected 0");
    expect_refused([&] { return raw.push(0, world.some_states(65, 1)); }, "64 positions");
    expect_refused(
        [&] {
            Push push = raw.push(0, good);
            push.tokens = 1;
            return push;
        },
        "32 wide");
}

TEST_F(LayerServerTest, RowsAreTakenBackAlsoWhileTheyWait) {
    world.add_server("a", {0, 5});
    RawPeer raw(world, "raw");
    ASSERT_TRUE(raw.open_at("a"));
    const std::size_t dim = world.snapshot.config.dim;
    const States right = world.some_states(20, 1);
    const States wrong = world.some_states(6, 2);
    const auto rows = [&](std::size_t from, std::size_t to) {
        return States(right.begin() + static_cast<std::ptrdiff_t>(from * dim),
                      right.begin() + static_cast<std::ptrdiff_t>(to * dim));
    };
    InputChain inputs;
    inputs.put(0, right, dim);
    const States expected = world.local_forward(right);
    raw.send(MessageKind::kPush, encode(raw.push(0, rows(0, 12))));
    // All of these wait together: guesses, of which some come true, and what follows.
    world.loop.hold_work(true);
    raw.send(MessageKind::kPush, encode(raw.push(12, wrong)));
    raw.send(MessageKind::kPush, encode(raw.push(10, rows(10, 13))));
    raw.send(MessageKind::kPush, encode(raw.push(13, wrong)));
    Push quiet = raw.push(0, rows(0, 15));
    quiet.quiet = true;
    raw.send(MessageKind::kPush, encode(quiet));
    raw.send(MessageKind::kPush, encode(raw.push(15, rows(15, 20))));
    world.loop.hold_work(false);
    world.loop.run_for(10);
    ASSERT_EQ(raw.errors, std::vector<std::string>{});
    ASSERT_EQ(raw.got.size(), 7U);
    const auto silent = decode_result(raw.got[5].second);
    EXPECT_TRUE(silent->push.states.empty());
    EXPECT_EQ(silent->receipt.output, states_hash(0, std::span(expected).first(15 * dim)));
    const auto last = decode_result(raw.got.back().second);
    ASSERT_TRUE(last.ok());
    EXPECT_TRUE(
        same_bits(last->push.states,
                  {expected.begin() + static_cast<std::ptrdiff_t>(15 * dim), expected.end()}));
    EXPECT_EQ(last->receipt.inputs, inputs.end()) << "what was taken back leaves no trace";
    raw.send(MessageKind::kAskProgress, encode_session_id(raw.terms.session));
    const auto progress = decode_progress(raw.got.back().second);
    EXPECT_EQ(progress->received, 47U);
    EXPECT_EQ(progress->computed, 47U);
}

TEST_F(LayerServerTest, AStrangersMessagesDoNotTouchASession) {
    FakeServer& a = world.add_server("a", {0, 5});
    RawPeer owner(world, "owner");
    ASSERT_TRUE(owner.open_at("a"));
    RawPeer thief(world, "thief");
    thief.network.connect("a");
    world.loop.run_for(10);
    thief.terms = owner.terms;
    for (const auto& [kind, body] : std::vector<std::pair<MessageKind, Bytes>>{
             {MessageKind::kPush, encode(thief.push(0, world.some_states(1, 1)))},
             {MessageKind::kAskProgress, encode_session_id(owner.terms.session)}}) {
        thief.send(kind, body);
        EXPECT_NE(thief.errors.back().find("unknown session"), std::string::npos);
    }
    thief.send(MessageKind::kClose, encode_session_id(owner.terms.session));
    EXPECT_EQ(a.server->open_sessions(), 1U);
    owner.send(MessageKind::kPush, encode(owner.push(0, world.some_states(1, 1))));
    EXPECT_EQ(owner.got.back().first, MessageKind::kResult);
}

TEST_F(LayerServerTest, QueuesAreBounded) {
    LayerServerOptions options;
    options.max_waiting_per_session = 2;
    world.add_server("a", {0, 5}, options);
    RawPeer raw(world, "raw");
    ASSERT_TRUE(raw.open_at("a"));
    world.loop.hold_work(true);
    const States one = world.some_states(1, 1);
    for (std::uint32_t i = 0; i < 3; ++i) raw.send(MessageKind::kPush, encode(raw.push(i, one)));
    EXPECT_TRUE(raw.errors.empty());  // one is being computed, two wait
    raw.send(MessageKind::kPush, encode(raw.push(3, one)));
    ASSERT_EQ(raw.errors.size(), 1U);
    EXPECT_NE(raw.errors[0].find("busy"), std::string::npos) << raw.errors[0];
    world.loop.hold_work(false);
    world.loop.run_for(10);  // the batch of the session that is over ends quietly
}

TEST_F(LayerServerTest, DiesWhileComputing) {
    world.add_server("a", {0, 5});
    const Hash256 session = must_open();
    world.loop.hold_work(true);
    std::optional<Failure> failure;
    world.push(session, world.some_states(4, 1),
               [&](auto answer) { failure = std::get<Failure>(answer); });
    world.loop.run_for(10);
    world.servers.at("a").kill();
    world.loop.hold_work(false);
    ASSERT_TRUE(world.loop.run_until([&] { return failure.has_value(); }));
    EXPECT_NE(failure->error.message.find("hop 1 of 1 (a, layers 0-5) was lost"), std::string::npos)
        << failure->error.message;
}

}  // namespace
}  // namespace cairn::serve
