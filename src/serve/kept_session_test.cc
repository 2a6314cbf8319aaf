// Proves what an auditor makes of a session that it played: an honest server is right, each kind of
// cheat convicts itself by what it signed, and silence, fullness or nonsense convict nobody.
#include "serve/kept_session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "serve/exhibit_file.h"
#include "serve/stage.h"
#include "serve/test_world.h"
#include "tensor/state_type.h"

namespace cairn::serve {
namespace {

struct KeptSessionTest : ::testing::Test {
    TestWorld world{small_model()};
    static constexpr model::LayerRange kLayers{1, 4};

    FakeServer& server_with(const std::shared_ptr<const model::Model>& held,
                            model::LayerRange computed = kLayers) {
        FakeServer& server = world.add_server("a", kLayers);
        ModelSnapshot snapshot = snapshot_of(held).value();
        snapshot.hash = world.snapshot.hash;  // what it claims
        server.server->set_model(snapshot, computed);
        return server;
    }
    KeptSession play(std::uint64_t give_up_ms = 0, tensor::KvType kv = tensor::KvType::kF32,
                     tensor::StateType wire = tensor::StateType::kF32) {
        const OpenRequest request{
            .model = world.snapshot.hash,
            .dim = world.snapshot.config.dim,
            .max_positions = 64,
            .kv = kv,
            .wire = wire,
            .hop = {kLayers, crypto::public_key(world.servers.at("a").secret), "a"},
            .ended = {}};
        std::vector<States> pushes;
        for (const std::size_t rows : {20U, 1U, 1U, 5U})
            pushes.push_back(world.some_states(rows, rows));
        for (States& push : pushes) tensor::round_states(wire, world.snapshot.config.dim, push);
        std::optional<KeptSession> kept;
        SessionPlay session(*world.client, request, std::move(pushes),
                            [&](KeptSession done) { kept = std::move(done); });
        session.start();
        if (give_up_ms > 0) world.loop.call_after(give_up_ms, [&] { session.give_up("too slow"); });
        world.loop.run_until([&] { return kept.has_value(); });
        return std::move(*kept);
    }
    Examined examined(const KeptSession& session) {
        return examine(session, world.snapshot, world.compute);
    }
    std::shared_ptr<const model::Model> changed(float by) {
        std::vector<float> held = model::dense_parameters(*world.model);
        const model::ParameterLayout layout = world.model->layout();
        layout.slice(std::span(held), model::TensorKind::kWDown, 2)[5] += by;
        return std::make_shared<const model::Model>(model::make_model(layout.config(), held));
    }
    void expect_convicted(const KeptSession& session) {
        const Examined result = examined(session);
        ASSERT_EQ(result.finding, trust::Finding::kConvicted) << result.sentence;
        // Anyone who holds the layers sees it from the exhibit's bytes alone.
        const Bytes bytes = encode(*result.exhibit);
        const Exhibit read = decode_exhibit(bytes).value();
        EXPECT_TRUE(judge(read, world.snapshot, world.compute).is_invalid());
    }
};

TEST_F(KeptSessionTest, AnHonestServerIsRight) {
    server_with(world.model);
    const KeptSession session = play();
    EXPECT_EQ(session.receipts.size(), 4U);
    const Examined result = examined(session);
    EXPECT_EQ(result.finding, trust::Finding::kRight) << result.sentence;
    EXPECT_EQ(result.sentence, "27 rows of layers 1-4 are right to the bit");
    EXPECT_EQ(session.bytes(), 2 * 27 * world.snapshot.config.dim * 4 + 4 * kReceiptBytes);
}

// The bit in which it lies is there in each type, or audits had to leave those out.
TEST_F(KeptSessionTest, AServerThatLiesInABitIsConvictedInAllTypes) {
    FakeServer& server = world.add_server("a", kLayers, {.lies = true});
    (void)server;
    for (const auto wire :
         {tensor::StateType::kF32, tensor::StateType::kF16, tensor::StateType::kI8})
        expect_convicted(play(0, tensor::KvType::kF32, wire));
}

struct Arrival {
    std::uint64_t us = 0;  // since the last result left, or the session was opened
    std::uint32_t position = 0, rows = 0, under_way = 0;
};

/// What a server of later layers sees come.
struct Watched {
    TestWorld& world;
    std::vector<Arrival> seen{};
    std::uint64_t since_us = 0;
    std::uint32_t under_way = 0;

    void watch(FakeServer& server) {
        server.network->tamper = [this](MessageKind kind, Bytes&) {
            if (kind == MessageKind::kResult) --under_way;
            if (kind == MessageKind::kResult || kind == MessageKind::kOpened)
                since_us = world.clock.monotonic_us();
        };
        world.client_network.tamper = [this](MessageKind kind, Bytes& body) {
            if (kind != MessageKind::kPush) return;
            const Push push = decode_push(body).value();
            if (push.session == first_layers) return;
            seen.push_back(
                {world.clock.monotonic_us() - since_us, push.position, push.tokens, under_way++});
        };
    }
    Hash256 first_layers{};
};

// An auditor has all rows beforehand. A server that gets one as soon as it has answered the last,
// or a whole prompt as soon as it has opened a session, would know whom it has before it.
TEST_F(KeptSessionTest, RowsComeWhenTheRestOfTheRouteIsThrough) {
    FakeServer& server = server_with(world.model);
    Watched watched{world};
    watched.watch(server);
    const OpenRequest request{.model = world.snapshot.hash,
                              .dim = world.snapshot.config.dim,
                              .max_positions = 64,
                              .hop = {kLayers, crypto::public_key(server.secret), "a"},
                              .ended = {}};
    const RestOfRoute rest{.prompt_row_us = 500,
                           .trips_before_us = 20'000,
                           .step_us = 30'000,
                           .trips_us = 50'000,
                           .turn_us = 900'000};
    const TextTurn turns[] = {{20, 3}, {6, 2}};
    auto pushes =
        cut_as_writers_do(request.hop, request.dim, {}, world.some_states(31, 1), turns, rest);
    vary_pauses(pushes, 60'000'000, world.random);
    std::optional<KeptSession> kept;
    SessionPlay session(*world.client, request, std::move(pushes),
                        [&](KeptSession done) { kept = std::move(done); });
    session.start();
    ASSERT_TRUE(world.loop.run_until([&] { return kept.has_value(); }));
    EXPECT_EQ(examined(*kept).finding, trust::Finding::kRight);
    ASSERT_EQ(watched.seen.size(), 7U);
    const double expected_us[] = {30'000, 80'000, 80'000, 80'000, 923'000, 80'000, 80'000};
    std::set<std::uint64_t> gaps;
    for (std::size_t i = 0; i < 7; ++i) {
        EXPECT_GE(static_cast<double>(watched.seen[i].us), 0.8 * expected_us[i] - 1'000) << i;
        EXPECT_LE(static_cast<double>(watched.seen[i].us), 1.2 * expected_us[i] + 2'000) << i;
        gaps.insert(watched.seen[i].us);
    }
    EXPECT_GT(gaps.size(), 4U) << "none is as long as another";
}

// Of a prompt the second piece comes when those before have computed it, answered or not.
TEST_F(KeptSessionTest, PiecesOfAPromptComeAtLaterLayersAsThoseBeforeComputeThem) {
    FakeServer& server = server_with(world.model);
    world.wire.late_ms["a"] = 40;
    Watched watched{world};
    watched.watch(server);
    OpenRequest request{.model = world.snapshot.hash,
                        .dim = world.snapshot.config.dim,
                        .max_positions = 64,
                        .hop = {kLayers, crypto::public_key(server.secret), "a"},
                        .ended = {}};
    request.hop.price = 0;
    const TextTurn turns[] = {{60, 1}};
    const std::size_t piece = piece_rows(request.hop, request.dim, false);
    ASSERT_GE(piece, 60U) << "then there is one piece alone";
    std::vector<PlannedPush> pushes = cut_as_writers_do(
        request.hop, request.dim, {}, world.some_states(61, 1), turns, {.prompt_row_us = 100});
    ASSERT_EQ(pushes.size(), 2U);
    EXPECT_FALSE(pushes[0].waits);
    EXPECT_TRUE(pushes[1].waits);
    // The same in three pieces, as a server with a price has it.
    pushes.clear();
    for (std::size_t i = 0; i < 3; ++i) pushes.push_back({world.some_states(16, i), false, 10'000});
    std::optional<KeptSession> kept;
    SessionPlay session(*world.client, request, std::move(pushes),
                        [&](KeptSession done) { kept = std::move(done); });
    session.start();
    ASSERT_TRUE(world.loop.run_until([&] { return kept.has_value(); }));
    ASSERT_EQ(watched.seen.size(), 3U);
    EXPECT_EQ(watched.seen[1].under_way, 1U) << "it does not wait for the first one's answer";
    EXPECT_LE(watched.seen[2].under_way, 1U) << "but no more than two are under way";
}

TEST_F(KeptSessionTest, AllTypesThatClientsAskForAreAudited) {
    server_with(world.model);
    for (const auto kv : tensor::kKvTypes)
        for (const auto wire :
             {tensor::StateType::kF32, tensor::StateType::kF16, tensor::StateType::kI8})
            EXPECT_EQ(examined(play(0, kv, wire)).finding, trust::Finding::kRight);
}

TEST_F(KeptSessionTest, ALiarIsConvictedInAnyTypes) {
    server_with(changed(0.01F));
    expect_convicted(play(0, tensor::KvType::kBf16, tensor::StateType::kI8));
}

TEST_F(KeptSessionTest, OneChangedWeightConvicts) {
    server_with(changed(0.01F));
    const KeptSession session = play();
    expect_convicted(session);
    EXPECT_EQ(examined(session).sentence,
              "signed for row 0 of layers 1-4, which is not what they give");
}

// A server that computes honestly, and then signs for something else than it computed.
struct Liar {
    std::size_t from_push = 0;
    std::function<void(States&)> change;
    crypto::SecretKey secret;
    SessionTerms terms;
    std::size_t pushes = 0;

    void operator()(MessageKind kind, Bytes& body) {
        if (kind != MessageKind::kResult) return;
        PushResult result = decode_result(body).value();
        if (pushes++ < from_push) return;
        change(result.push.states);
        result.receipt =
            make_receipt(terms, result.receipt.layers, result.receipt.inputs,
                         states_hash(result.push.position, result.push.states), secret, Hash256());
        body = encode(result);
    }
};

TEST_F(KeptSessionTest, WhoeverSignsForOtherOutputsConvictsHimself) {
    SeededRandom random(1);
    const std::vector<std::function<void(States&)>> cheats = {
        [](States& states) { states[3] = -states[3]; },  // one flipped bit
        [&](States& states) {
            for (float& x : states) x += 1e-5F * static_cast<float>(random.below(3));  // noise
        },
        [](States& states) { std::ranges::fill(states, 0.0F); },  // without computing
        [](States& states) { std::ranges::reverse(states); },
    };
    FakeServer& server = server_with(world.model);
    for (const auto& cheat : cheats)
        for (const std::size_t from : {0U, 1U, 3U}) {
            auto liar = std::make_shared<Liar>(Liar{from, cheat, server.secret, {}, 0});
            server.network->tamper = [liar](MessageKind kind, Bytes& body) { (*liar)(kind, body); };
            world.client_network.tamper = [liar](MessageKind kind, Bytes& body) {
                if (kind == MessageKind::kOpenSession)
                    liar->terms = decode_open_session(body).value().terms;
            };
            const KeptSession session = play();
            ASSERT_EQ(session.outputs.size(), 4U) << session.ended->error.message;
            expect_convicted(session);
        }
}

TEST_F(KeptSessionTest, WhoIsSlowIsGivenUpAndJudgedByWhatHeAnswered) {
    world.wire.late_ms["a"] = 3'000;
    server_with(changed(0.01F));
    const KeptSession session = play(14'000);
    ASSERT_TRUE(session.ended);
    EXPECT_EQ(session.ended->error.message, "too slow");
    EXPECT_LT(session.outputs.size(), 4U);
    ASSERT_FALSE(session.outputs.empty());
    expect_convicted(session);
}

TEST_F(KeptSessionTest, WhoIsTooSlowAndHonestDidNotAnswer) {
    world.wire.late_ms["a"] = 3'000;
    server_with(world.model);
    const KeptSession session = play(14'000);
    EXPECT_EQ(examined(session).finding, trust::Finding::kUnanswered);
    world.loop.run_for(60'000);  // what comes afterwards finds nobody
}

TEST_F(KeptSessionTest, AReplayedReceiptIsNoAnswer) {
    FakeServer& server = server_with(world.model);
    std::optional<Receipt> old;
    server.network->tamper = [&](MessageKind kind, Bytes& body) {
        if (kind != MessageKind::kResult) return;
        PushResult result = decode_result(body).value();
        if (old) result.receipt = *old;
        old = result.receipt;
        body = encode(result);
    };
    const Examined result = examined(play());
    EXPECT_EQ(result.finding, trust::Finding::kWrong);
    EXPECT_FALSE(result.exhibit.has_value());
    EXPECT_NE(result.sentence.find("receipt"), std::string::npos) << result.sentence;
}

TEST_F(KeptSessionTest, SilenceIsAnUnansweredAuditAndWhatWasAnsweredStillCounts) {
    FakeServer& server = server_with(changed(0.01F));
    std::size_t results = 0;
    server.network->tamper = [&](MessageKind kind, Bytes&) {
        // It notices after its second answer whom it has before it, and goes.
        if (kind == MessageKind::kResult && ++results == 2) world.wire.frozen.insert("a");
    };
    expect_convicted(play());

    server_with(world.model);
    world.wire.frozen.insert("a");
    EXPECT_EQ(examined(play()).finding, trust::Finding::kUnanswered);
}

TEST_F(KeptSessionTest, AFullServerIsLeftAlone) {
    FakeServer& server = world.add_server("a", kLayers, {.max_session_bytes = 16});
    (void)server;
    const Examined result = examined(play());
    EXPECT_FALSE(result.finding.has_value()) << result.sentence;
}

TEST(ExhibitFile, RoundTripsAndRefusesEverythingElse) {
    Exhibit exhibit;
    exhibit.terms.max_positions = 7;
    exhibit.server.bytes[0] = 9;
    exhibit.receipt.layers = {1, 4};
    exhibit.inputs = {{1.0F, 2.0F, 3.0F}, {4.0F}};
    const Bytes good = encode(exhibit);
    const Exhibit back = decode_exhibit(good).value();
    EXPECT_EQ(encode(back), good);
    EXPECT_EQ(back.inputs, exhibit.inputs);
    EXPECT_EQ(back.terms, exhibit.terms);
    for (std::size_t i = 0; i < good.size(); ++i)
        EXPECT_FALSE(decode_exhibit(ByteView(good).first(i)).ok()) << i;
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_FALSE(decode_exhibit(longer).ok());
    // A count that promises more than there is allocates nothing.
    Bytes lying = good;
    const std::size_t count = 12 + 72 + 32 + kReceiptBytes;
    for (std::size_t i = 0; i < 4; ++i) lying[count + i] = 0xFF;
    EXPECT_FALSE(decode_exhibit(lying).ok());
    EXPECT_NE(exhibit_id(good), exhibit_id(longer));
}

}  // namespace
}  // namespace cairn::serve
