// Proves that receipts cover what a decoder with cross attention attends to: a server that computes
// with another weight of cross attention, or with another source, is convicted by its own
// signature; an honest one is convicted by no other source, and by nothing of the source alone.
#include <gtest/gtest.h>

#include <array>
#include <utility>

#include "audit/replay.h"
#include "serve/exhibit_file.h"
#include "serve/kept_session.h"
#include "serve/session_diary.h"
#include "serve/test_source.h"

namespace cairn::serve {
namespace {

constexpr model::LayerRange kLayers{1, 3};
constexpr std::size_t kSourceRows = 21;

struct SourceAuditTest : ::testing::Test {
    SourceWorld made;
    TestWorld& world = made.world;
    SessionDiaries diaries{1, world.random, 1 << 24};
    const std::size_t dim = world.snapshot.config.dim;

    ~SourceAuditTest() override { world.client->sessions().set_watch(nullptr); }

    FakeServer& serve(model::TensorKind kind = model::TensorKind::kCrossWk, float change = 0) {
        FakeServer& server =
            world.servers.contains("a") ? world.servers.at("a") : world.add_server("a", kLayers);
        std::vector<float> held = model::dense_parameters(*world.model);
        const model::ParameterLayout layout = world.model->layout();
        layout.slice(std::span(held), kind, 2)[5] += change;
        ModelSnapshot snapshot = snapshot_of(std::make_shared<const model::Model>(
                                                 model::make_model(layout.config(), held)))
                                     .value();
        snapshot.hash = world.snapshot.hash;  // what it claims
        server.server->set_model(snapshot, kLayers);
        world.client->sessions().set_watch(&diaries);
        return server;
    }
    OpenRequest request() {
        return {.model = world.snapshot.hash,
                .dim = world.snapshot.config.dim,
                .max_positions = 64,
                .hop = {kLayers, crypto::public_key(world.servers.at("a").secret), "a"},
                .source_rows = kSourceRows,
                .ended = {}};
    }
    Hash256 open() {
        std::optional<Hash256> id;
        world.client->sessions().open(request(),
                                      [&](const auto& answer) { id = std::get<Hash256>(answer); });
        world.loop.run_until([&] { return id.has_value(); });
        return *id;
    }
    void push(const Hash256& session, std::uint32_t position, const States& rows, bool quiet) {
        bool done = false;
        ASSERT_TRUE(world.client->sessions()
                        .push(session, position, rows, quiet, [&](const States&) { done = true; })
                        .ok());
        ASSERT_TRUE(world.loop.run_until([&] { return done; }));
    }
    /// The source in two pieces, then 9 rows, of which two are taken back, and 4 more.
    SessionDiary played(std::uint64_t source_seed = 1) {
        const Hash256 session = open();
        push(session, 0, world.some_states(10, source_seed), true);
        push(session, 10, world.some_states(kSourceRows - 10, source_seed + 1), true);
        push(session, kSourceRows, world.some_states(9, 40), false);
        push(session, kSourceRows + 7, world.some_states(4, 41), false);
        const auto kept = diaries.take();
        CHECK(kept.size() == 1);
        return kept[0];
    }
    Exhibit exhibit_of(const SessionDiary& diary, std::size_t entries) {
        Exhibit exhibit{diary.terms, diary.hop.key, diary.entries[entries - 1].receipt, {}};
        for (std::size_t i = 0; i < entries; ++i) exhibit.inputs.push_back(diary.entries[i].rows);
        return exhibit;
    }
    Verdict verdict(const Exhibit& exhibit) {
        const Exhibit read = decode_exhibit(encode(exhibit)).value();
        return judge(read, world.snapshot, world.compute);
    }
};

TEST_F(SourceAuditTest, AnHonestServerIsRight) {
    serve();
    const SessionDiary diary = played();
    const Examined result = examine(diary, world.snapshot, world.compute);
    EXPECT_EQ(result.finding, trust::Finding::kRight) << result.sentence;
    EXPECT_NE(result.sentence.find("11 rows of layers 1-3"), std::string::npos) << result.sentence;
    EXPECT_TRUE(verdict(exhibit_of(diary, 3)).is_valid()) << verdict(exhibit_of(diary, 3)).reason();
}

TEST_F(SourceAuditTest, OneWeightOfCrossAttentionConvicts) {
    for (const model::TensorKind kind :
         {model::TensorKind::kCrossWq, model::TensorKind::kCrossWk, model::TensorKind::kCrossWv,
          model::TensorKind::kCrossWo}) {
        serve(kind, 0.05F);
        const Examined result = examine(played(), world.snapshot, world.compute);
        ASSERT_EQ(result.finding, trust::Finding::kConvicted) << result.sentence;
        EXPECT_TRUE(verdict(*result.exhibit).is_invalid()) << verdict(*result.exhibit).reason();
    }
}

TEST_F(SourceAuditTest, AnotherSourceFramesNobody) {
    serve();
    const Exhibit good = exhibit_of(played(), 3);
    Exhibit framed = good;
    framed.inputs[1][3] += 1;
    EXPECT_TRUE(verdict(framed).is_undecided()) << verdict(framed).reason();
    framed = good;  // fewer rows of it
    framed.inputs.erase(framed.inputs.begin());
    EXPECT_TRUE(verdict(framed).is_undecided());
    framed = good;  // a row of the text as one of the source, and the other way round
    for (const std::size_t rows : {kSourceRows + 1, kSourceRows - 1, std::size_t{0}}) {
        framed.terms.source_rows = static_cast<std::uint32_t>(rows);
        EXPECT_TRUE(verdict(framed).is_undecided()) << rows;
    }
    // The same rows, cut anew, are the same rows.
    framed = good;
    framed.inputs[0].insert(framed.inputs[0].end(), framed.inputs[1].begin(),
                            framed.inputs[1].end());
    framed.inputs.erase(framed.inputs.begin() + 1);
    EXPECT_TRUE(verdict(framed).is_valid()) << verdict(framed).reason();
}

// Of which nothing comes out, whatever a receipt says of it.
TEST_F(SourceAuditTest, TheSourceAloneProvesNothing) {
    FakeServer& server = serve();
    const SessionDiary diary = played();
    EXPECT_TRUE(verdict(exhibit_of(diary, 2)).is_undecided());
    Exhibit wrong = exhibit_of(diary, 2);
    wrong.receipt = make_receipt(wrong.terms, kLayers, wrong.receipt.inputs, Hash256{},
                                 server.secret, Hash256{});
    EXPECT_TRUE(verdict(wrong).is_undecided());
    SessionDiary only = diary;
    only.entries.resize(2);
    EXPECT_FALSE(examine(only, world.snapshot, world.compute).finding);
}

// It signs for the source that it was given, and computes with one that it likes better.
TEST_F(SourceAuditTest, WhoComputesWithAnotherSourceConvictsItself) {
    FakeServer& server = serve();
    const SessionDiary asked = played(1);
    const SessionDiary other = played(5);
    ASSERT_NE(asked.entries[2].outputs, other.entries[2].outputs);
    Exhibit lie = exhibit_of(asked, 3);
    EXPECT_TRUE(verdict(lie).is_valid());
    lie.receipt =
        make_receipt(lie.terms, kLayers, lie.receipt.inputs,
                     states_hash(kSourceRows, other.entries[2].outputs), server.secret, Hash256{});
    EXPECT_TRUE(verdict(lie).is_invalid()) << verdict(lie).reason();
}

// Nobody on the way can change it: the receipt would be for other inputs.
TEST_F(SourceAuditTest, AClientNoticesThatItsSourceWasChanged) {
    serve();
    bool changed = false;
    world.client_network.tamper = [&](MessageKind kind, Bytes& body) {
        if (kind != MessageKind::kPush || std::exchange(changed, true)) return;
        Push push = decode_push(body).value();
        push.states[0] += 1;
        body = encode(push);
    };
    std::optional<Failure> ended;
    OpenRequest asked = request();
    asked.ended = [&](const Failure& failure) { ended = failure; };
    std::optional<Hash256> id;
    world.client->sessions().open(std::move(asked),
                                  [&](const auto& answer) { id = std::get<Hash256>(answer); });
    world.loop.run_until([&] { return id.has_value(); });
    ASSERT_TRUE(
        world.client->sessions().push(*id, 0, world.some_states(kSourceRows, 1), true, {}).ok());
    ASSERT_TRUE(world.loop.run_until([&] { return ended.has_value(); }));
    EXPECT_NE(ended->error.message.find("signed for other inputs"), std::string::npos)
        << ended->error.message;
}

TEST_F(SourceAuditTest, AnOutputOfTheSourceIsAWrongResult) {
    FakeServer& server = serve();
    std::optional<SessionTerms> terms;
    world.client_network.tamper = [&](MessageKind kind, Bytes& body) {
        if (kind == MessageKind::kOpenSession) terms = decode_open_session(body).value().terms;
    };
    server.network->tamper = [&](MessageKind kind, Bytes& body) {
        if (kind != MessageKind::kResult) return;
        PushResult result = decode_result(body).value();
        result.receipt = make_receipt(*terms, kLayers, result.receipt.inputs, Hash256{},
                                      server.secret, Hash256{});
        body = encode(result);
    };
    std::optional<KeptSession> kept;
    SessionPlay play(*world.client, request(), {world.some_states(kSourceRows, 1)},
                     [&](KeptSession done) { kept = std::move(done); });
    play.start();
    ASSERT_TRUE(world.loop.run_until([&] { return kept.has_value(); }));
    EXPECT_EQ(examine(*kept, world.snapshot, world.compute).finding, trust::Finding::kWrong);
}

TEST_F(SourceAuditTest, ASessionThatIsPlayedIsJudgedWithItsSource) {
    for (const float change : {0.0F, 0.05F}) {
        serve(model::TensorKind::kCrossWv, change);
        std::optional<KeptSession> kept;
        SessionPlay play(*world.client, request(),
                         {world.some_states(16, 1), world.some_states(kSourceRows - 16, 2),
                          world.some_states(6, 3), world.some_states(1, 4)},
                         [&](KeptSession done) { kept = std::move(done); });
        play.start();
        ASSERT_TRUE(world.loop.run_until([&] { return kept.has_value(); }));
        const Examined result = examine(*kept, world.snapshot, world.compute);
        EXPECT_EQ(result.finding, change == 0 ? trust::Finding::kRight : trust::Finding::kConvicted)
            << result.sentence;
        EXPECT_EQ(kept->rows(world.snapshot.config.dim), 7U);
        if (change == 0) continue;
        EXPECT_TRUE(verdict(*result.exhibit).is_invalid());
    }
}

// Else a server lies to whoever pushes otherwise, and no audit finds it.
TEST_F(SourceAuditTest, AnAuditorPushesAsAWriterDoes) {
    constexpr model::LayerRange kAll{0, 3};
    constexpr std::size_t kPromptRows = 70, kSteps = 3, kLong = 90;
    using Pushed = std::array<std::uint32_t, 3>;  // position, rows, pushes without an answer
    std::vector<Pushed> seen;
    std::uint32_t open = 0;
    FakeServer& server = world.add_server("w", kAll);
    server.network->tamper = [&](MessageKind kind, Bytes&) {
        if (kind == MessageKind::kResult) --open;
    };
    world.client_network.tamper = [&](MessageKind kind, Bytes& body) {
        if (kind != MessageKind::kPush) return;
        const Push push = decode_push(body).value();
        seen.push_back({push.position, push.tokens, open++});
    };
    RemoteOptions options = made.remote(kLong);
    options.servers = {"w"};
    FakeRemote writer(world, options);
    ASSERT_TRUE(writer.start().ok());
    States prompt = world.some_states(kPromptRows, 1);
    ASSERT_TRUE(writer.forward(prompt).ok());
    States row = world.some_states(1, 2);
    for (std::size_t i = 0; i < kSteps; ++i) ASSERT_TRUE(writer.forward(row).ok());
    const std::vector<Pushed> of_writer = std::exchange(seen, {});
    EXPECT_EQ(of_writer[1], (Pushed{kLong, 64, 1})) << "while the source is read";

    const Hop hop{kAll, crypto::public_key(server.secret), "w"};
    const TextTurn turns[] = {{kPromptRows, kSteps}};
    std::vector<PlannedPush> pushes =
        cut_as_writers_do(hop, world.snapshot.config.dim, options.source,
                          world.some_states(kPromptRows + kSteps, 1), turns);
    OpenRequest request{.model = world.snapshot.hash,
                        .dim = world.snapshot.config.dim,
                        .max_positions = 100,
                        .hop = hop,
                        .source_rows = kLong,
                        .ended = {}};
    std::optional<KeptSession> kept;
    SessionPlay auditor(*world.client, request, std::move(pushes),
                        [&](KeptSession done) { kept = std::move(done); });
    auditor.start();
    ASSERT_TRUE(world.loop.run_until([&] { return kept.has_value(); }));
    EXPECT_EQ(seen, of_writer);
    EXPECT_EQ(examine(*kept, world.snapshot, world.compute).finding, trust::Finding::kRight);
}

TEST_F(SourceAuditTest, ReplayNeedsTheSource) {
    const model::Model& model = *world.model;
    std::vector<float> inputs = world.some_states(kSourceRows + 70, 3);  // more than a batch
    const auto honest =
        audit::recompute(model.config, model.weights, kLayers, inputs, model::KvType::kF16,
                         world.compute, tensor::StateType::kF32, kSourceRows);
    ASSERT_TRUE(honest.ok());
    ASSERT_EQ(honest->size(), 70 * dim);
    audit::ReplayClaim claim{.layers = kLayers,
                             .inputs = inputs,
                             .outputs = *honest,
                             .kv = model::KvType::kF16,
                             .source_rows = kSourceRows};
    EXPECT_TRUE(audit::replay(model.config, model.weights, claim, world.compute).is_valid());
    claim.source_rows = kSourceRows + 1;
    EXPECT_TRUE(audit::replay(model.config, model.weights, claim, world.compute).is_invalid());
    for (const std::size_t rows : {std::size_t{0}, std::size_t{101}})
        EXPECT_FALSE(audit::recompute(model.config, model.weights, kLayers, inputs,
                                      model::KvType::kF16, world.compute, tensor::StateType::kF32,
                                      rows)
                         .ok());
    EXPECT_EQ(audit::recompute(model.config, model.weights, kLayers, inputs, model::KvType::kDigits,
                               world.compute, tensor::StateType::kF32, kSourceRows)
                  .error()
                  .code,
              ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace cairn::serve
