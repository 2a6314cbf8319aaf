// Proves that an encoder's layers over servers give, for any split and type, the states of one
// encoder; that a server which is lost is replaced; that what is no whole text is refused; and that
// receipts convict whoever computes something else, and nobody else.
#include <gtest/gtest.h>

#include "serve/exhibit_file.h"
#include "serve/kept_session.h"
#include "serve/test_source.h"

namespace cairn::serve {
namespace {

using tensor::StateType;

struct EncoderSessionsTest : ::testing::Test {
    model::TestEncoderDecoder halves{model::encoder_decoder_families().back(),
                                     tensor::WeightType::kF32};
    TestWorld world{std::make_shared<const model::Model>(halves.encoder)};
    const model::ModelConfig& config = world.snapshot.config;

    States encoded(std::size_t rows, StateType wire) {
        model::Encoder encoder(config, halves.encoder.weights, world.compute);
        return encoder.encode(SourceWorld::source_tokens(rows), wire).value();
    }
    RemoteOptions options(std::size_t rows, StateType wire = StateType::kF32) {
        RemoteOptions made;
        made.servers = world.addresses();
        made.max_positions = static_cast<std::uint32_t>(rows);
        made.wire = wire;
        made.wait_ms = 2'000;
        return made;
    }
    /// Over servers, with embedding and final norm here.
    States over(FakeRemote& remote, std::size_t rows, StateType wire = StateType::kF32) {
        model::Transformer ends(config, halves.encoder.weights, {0, 0}, world.compute);
        States states(rows * config.dim);
        ends.embed(SourceWorld::source_tokens(rows), 0, states);
        const Status passed = remote.forward(states);
        EXPECT_TRUE(passed.ok()) << passed.error().message;
        ends.finish(states);
        tensor::round_states(wire, config.dim, states);
        return states;
    }
};

TEST_F(EncoderSessionsTest, AnySplitGivesTheStatesOfOneEncoder) {
    for (const std::vector<model::LayerRange>& split :
         {std::vector<model::LayerRange>{{0, 2}}, {{0, 1}, {1, 2}}}) {
        for (std::size_t i = 0; i < split.size(); ++i)
            world.add_server("s" + std::to_string(i), split[i]);
        for (const std::size_t rows : {std::size_t{1}, std::size_t{37}, std::size_t{100}})
            for (const StateType wire : {StateType::kF32, StateType::kF16, StateType::kI8}) {
                FakeRemote remote(world, options(rows, wire));
                ASSERT_TRUE(remote.start().ok());
                EXPECT_EQ(remote.layers().route().size(), split.size());
                EXPECT_EQ(over(remote, rows, wire), encoded(rows, wire)) << rows;
                remote.layers().close();
            }
        for (auto& [name, server] : world.servers) server.kill();
        world.loop.run_for(10);
    }
}

TEST_F(EncoderSessionsTest, AServerThatIsLostIsReplaced) {
    for (const char* name : {"b", "c"}) world.add_server(name, {1, 2});
    world.add_server("a", {0, 1});
    FakeRemote remote(world, options(90));
    ASSERT_TRUE(remote.start().ok());
    const std::string lost = remote.layers().route()[1].address;
    // In the middle: when it has answered three of its pushes, which are of 64 rows at most.
    int answers = 0;
    world.servers.at(lost).network->tamper = [&](MessageKind kind, Bytes&) {
        if (kind == MessageKind::kResult && ++answers == 3)
            world.loop.post([&] { world.servers.at(lost).kill(); });
    };
    EXPECT_EQ(over(remote, 90), encoded(90, StateType::kF32));
    EXPECT_EQ(answers, 3);
    EXPECT_EQ(remote.layers().failovers(), 1U);
}

TEST_F(EncoderSessionsTest, SeveralServersTakeTheStageOfOne) {
    world.add_server("a", {0, 2});
    RemoteOptions made = options(90);
    made.servers = {"a", "b", "c"};
    FakeRemote remote(world, made);
    ASSERT_TRUE(remote.start().ok());
    remote.before = [&](std::size_t) {
        world.add_server("b", {0, 1});
        world.add_server("c", {1, 2});
        world.servers.at("a").kill();
    };
    EXPECT_EQ(over(remote, 90), encoded(90, StateType::kF32));
    EXPECT_EQ(remote.layers().route().size(), 2U);
}

TEST_F(EncoderSessionsTest, ATextIsReadWholeOrNotAtAll) {
    world.add_server("a", {0, 2});
    FakeRemote remote(world, options(30));
    ASSERT_TRUE(remote.start().ok());
    States part = world.some_states(29, 1);
    EXPECT_EQ(remote.forward(part).error().code, ErrorCode::kInvalid);

    RawPeer peer(world, "peer");
    const auto open = [&](std::uint32_t rows, std::uint32_t positions) {
        if (peer.peer == 0) peer.network.connect("a");
        world.loop.run_for(10);
        peer.terms = {.session = world.random.hash256(),
                      .model = world.snapshot.hash,
                      .max_positions = positions,
                      .source_rows = rows};
        peer.errors.clear();
        peer.send(MessageKind::kOpenSession, encode(OpenSession{peer.terms, {0, 2}}));
        return peer.errors.empty() ? "" : peer.errors.back();
    };
    const auto push = [&](std::uint32_t position, const States& rows) {
        Push message = peer.push(position, rows);
        message.quiet = position < peer.terms.source_rows;
        peer.errors.clear();
        peer.send(MessageKind::kPush, encode(message));
        return peer.errors.empty() ? "" : peer.errors.back();
    };
    EXPECT_NE(open(0, 10).find("bad request: an encoder's layers read a whole text"),
              std::string::npos);
    EXPECT_NE(open(101, 100).find("1 to 100 rows: not of 101"), std::string::npos);
    EXPECT_NE(open(10, 9).find("as many rows as its text has"), std::string::npos);
    const States text = world.some_states(10, 1);
    ASSERT_EQ(open(10, 10), "");
    EXPECT_EQ(push(0, text), "");
    EXPECT_EQ(push(10, text), "");
    const States first = decode_result(peer.got.back().second).value().push.states;
    // In pieces, and again, it is the same.
    EXPECT_EQ(push(10, {text.begin(), text.begin() + config.dim}), "");
    EXPECT_EQ(decode_result(peer.got.back().second).value().push.states,
              States(first.begin(), first.begin() + config.dim));
    // Another row than the text's is no way to ask.
    EXPECT_NE(push(11, {text.begin(), text.begin() + config.dim}).find("by repeating its text"),
              std::string::npos);
    // A row of it sent anew would have all rows computed anew.
    ASSERT_EQ(open(10, 10), "");
    EXPECT_EQ(push(0, text), "");
    EXPECT_EQ(push(10, text), "");
    EXPECT_NE(push(9, {text.end() - config.dim, text.end()}).find("is pushed once"),
              std::string::npos);
    ASSERT_EQ(open(10, 10), "");
    EXPECT_EQ(push(0, {text.begin(), text.begin() + 4 * config.dim}), "");
    EXPECT_EQ(push(4, {text.begin() + 4 * config.dim, text.end()}), "");
    EXPECT_EQ(push(10, text), "");
    EXPECT_EQ(decode_result(peer.got.back().second).value().push.states, first);
}

TEST_F(EncoderSessionsTest, OthersWaitForOneTextAtMost) {
    FakeServer& server = world.add_server("a", {0, 2});
    std::vector<std::unique_ptr<RawPeer>> peers;
    const States text = world.some_states(10, 1);
    const auto ask = [&](RawPeer& peer) {
        peer.got.clear();
        peer.send(MessageKind::kPush,
                  encode(peer.push(10, {text.begin(), text.begin() + config.dim})));
    };
    for (const char* name : {"one", "two", "three"}) {
        RawPeer& peer = *peers.emplace_back(std::make_unique<RawPeer>(world, name));
        peer.network.connect("a");
        world.loop.run_for(10);
        peer.terms = {.session = world.random.hash256(),
                      .model = world.snapshot.hash,
                      .max_positions = 10,
                      .source_rows = 10};
        peer.send(MessageKind::kOpenSession, encode(OpenSession{peer.terms, {0, 2}}));
        Push source = peer.push(0, text);
        source.quiet = true;
        peer.send(MessageKind::kPush, encode(source));
        ASSERT_EQ(peer.got.back().first, MessageKind::kResult);
    }
    world.loop.hold_work(true);
    for (const auto& peer : peers) ask(*peer);
    const std::uint64_t before = server.server->tokens_computed();
    world.loop.hold_work(false);
    // The first is computed alone, since the others came later; they are not computed together.
    for (std::uint64_t count = 1; count <= peers.size(); ++count) {
        ASSERT_TRUE(world.loop.run_until(
            [&] { return server.server->tokens_computed() >= before + count; }));
        EXPECT_EQ(server.server->tokens_computed(), before + count);
    }
}

// Sources are pushed for nothing, in time, and each row that is asked for then stands for a text.
TEST_F(EncoderSessionsTest, ATextIsNotBehindAllThoseOfACrowd) {
    constexpr std::uint32_t kRows = 100;
    world.add_server("a", {0, 2});
    const States text = world.some_states(kRows, 1);
    const States row{text.begin(), text.begin() + config.dim};
    std::vector<std::unique_ptr<RawPeer>> crowd;
    const auto open = [&](RawPeer& peer) {
        peer.network.connect("a");
        world.loop.run_for(10);
        peer.terms = {.session = world.random.hash256(),
                      .model = world.snapshot.hash,
                      .max_positions = kRows,
                      .source_rows = kRows};
        peer.send(MessageKind::kOpenSession, encode(OpenSession{peer.terms, {0, 2}}));
    };
    const auto send_text = [&](RawPeer& peer) {
        Push source = peer.push(0, text);
        source.quiet = true;
        peer.send(MessageKind::kPush, encode(source));
    };
    for (int key = 0; key < 20; ++key) {
        crowd.push_back(std::make_unique<RawPeer>(world, "c" + std::to_string(key), "crowd"));
        open(*crowd.back());
        send_text(*crowd.back());
        ASSERT_EQ(crowd.back()->got.back().first, MessageKind::kResult);
    }
    RawPeer user(world, "user", "elsewhere");
    open(user);
    world.loop.hold_work(true);
    for (const auto& one : crowd) one->send(MessageKind::kPush, encode(one->push(kRows, row)));
    send_text(user);
    user.send(MessageKind::kPush, encode(user.push(kRows, row)));
    world.loop.hold_work(false);
    ASSERT_TRUE(world.loop.run_until([&] { return user.got.size() == 3; }));
    ASSERT_EQ(user.got.back().first, MessageKind::kResult);
    std::size_t before = 0;
    for (const auto& one : crowd) before += one->got.size() - 2;
    EXPECT_LE(before, 2U) << "the one that is under way, and another";
}

TEST_F(EncoderSessionsTest, WhoComputesSomethingElseIsConvicted) {
    constexpr model::LayerRange kLayers{1, 2};
    for (const float change : {0.0F, 0.05F}) {
        FakeServer& server =
            world.servers.contains("a") ? world.servers.at("a") : world.add_server("a", kLayers);
        std::vector<float> held = model::dense_parameters(*world.model);
        const model::ParameterLayout layout = world.model->layout();
        layout.slice(std::span(held), model::TensorKind::kWq, 1)[5] += change;
        ModelSnapshot snapshot = snapshot_of(std::make_shared<const model::Model>(
                                                 model::make_model(layout.config(), held)))
                                     .value();
        snapshot.hash = world.snapshot.hash;  // what it claims
        server.server->set_model(snapshot, kLayers);
        const OpenRequest request{.model = world.snapshot.hash,
                                  .dim = config.dim,
                                  .max_positions = 20,
                                  .hop = {kLayers, crypto::public_key(server.secret), "a"},
                                  .source_rows = 20,
                                  .ended = {}};
        const States text = world.some_states(20, 1);
        const auto cut = text.begin() + 12 * config.dim;
        std::optional<KeptSession> kept;
        SessionPlay play(*world.client, request,
                         {{text.begin(), cut}, {cut, text.end()}, {text.begin(), cut}},
                         [&](KeptSession done) { kept = std::move(done); });
        play.start();
        ASSERT_TRUE(world.loop.run_until([&] { return kept.has_value(); }));
        const Examined result = examine(*kept, world.snapshot, world.compute);
        EXPECT_EQ(result.finding, change == 0 ? trust::Finding::kRight : trust::Finding::kConvicted)
            << result.sentence;
        Exhibit exhibit{kept->terms, kept->hop.key, kept->receipts[2], kept->pushes};
        const auto verdict = [&] {
            return judge(decode_exhibit(encode(exhibit)).value(), world.snapshot, world.compute);
        };
        EXPECT_EQ(verdict().is_invalid(), change != 0) << verdict().reason();
        EXPECT_EQ(verdict().is_valid(), change == 0) << verdict().reason();
        // Of a text that is not all there, or is asked for by other rows, no honest server signs.
        exhibit.inputs.pop_back();
        EXPECT_TRUE(verdict().is_undecided());
        exhibit.inputs.push_back(world.some_states(12, 2));
        InputChain chain;
        std::uint32_t position = 0;
        for (const States& rows : exhibit.inputs) {
            chain.put(position, rows, config.dim);
            position += static_cast<std::uint32_t>(rows.size() / config.dim);
        }
        exhibit.receipt =
            make_receipt(exhibit.terms, kLayers, chain.end(), Hash256{}, server.secret, Hash256{});
        EXPECT_TRUE(verdict().is_undecided());
    }
}

}  // namespace
}  // namespace cairn::serve
