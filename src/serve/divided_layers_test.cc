// Proves that a server that is several machines is one server like others: texts over it have the
// tokens and logits of one machine, for two and three parts that nothing divides evenly into, every
// type of states and caches, many sessions at once and rows that are taken back; and that a part
// that is lost, stalls or answers nonsense ends its sessions, is named in the log and to nobody
// else, and is taken back.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/log_writer.h"
#include "serve/test_parts.h"
#include "serve/test_text.h"

namespace cairn::serve {
namespace {

using Sizes = std::vector<std::uint32_t>;

// Three groups of two heads, and columns that are no whole panels.
std::shared_ptr<const model::Model> uneven_model() {
    const model::ModelConfig config{.dim = 48,
                                    .hidden_dim = 100,
                                    .layers = 4,
                                    .heads = 6,
                                    .kv_heads = 3,
                                    .vocab = 64,
                                    .context = 128};
    return std::make_shared<const model::Model>(
        model::make_model(config, model::initial_parameters(model::ParameterLayout(config), 3)));
}

struct Divided : RemoteTextTest {
    std::string log;

    Divided() : RemoteTextTest(uneven_model()) {
        set_log_writer([this](const std::string& line) { log += line + "\n"; });
    }
    ~Divided() override { set_log_writer({}); }
    bool logged(const std::string& what) const { return log.find(what) != std::string::npos; }

    Text write_over(const RemoteOptions& how, std::size_t tokens = 30) {
        FakeRemote over(world, how);
        if (const Status started = over.start(); !started.ok())
            return {{}, {}, started.error().message};
        return write_text(world, over, kPrompt, tokens);
    }
    std::uint64_t computed(const std::string& address) {
        return world.servers.at(address).server->tokens_computed();
    }
};

TEST_F(Divided, TextsOverTwoAndThreePartsAreThoseOfOneMachine) {
    const Text expected = write_alone(world, kPrompt, 30);
    ASSERT_EQ(expected.error, "");
    for (const Sizes& sizes :
         {Sizes{1, 1}, Sizes{1, 1, 1}, Sizes{1, 5}, Sizes{0, 2, 3}, Sizes{1, 0, 1}}) {
        TestDivision division(world, {0, 4}, sizes);
        ASSERT_TRUE(division.layers->join().ok());
        const std::string name = "server " + std::to_string(world.servers.size());
        add_divided(world, name, {0, 4}, division);
        RemoteOptions how = over_all();
        how.servers = {name};
        const Text written = write_over(how);
        EXPECT_EQ(written, expected) << written.error << ", " << sizes.size() << " parts";
        const DividedFigures figures = division.layers->figures();
        EXPECT_EQ(figures.rows, kPrompt.size() + 29);
        // A prompt of 24 in pieces of 16, then 29 steps: two exchanges a layer each.
        EXPECT_EQ(figures.exchanges, (2 + 29) * 4 * 2U);
        // Each part but the lead has computed its own share of every row, and nothing twice.
        const std::uint64_t rows = (kPrompt.size() + 29) * 4;
        for (std::size_t i = 1; i < sizes.size(); ++i)
            EXPECT_EQ(division.faults[i - 1]->part->rows_computed(), sizes[i] == 0 ? 0 : rows);
        world.loop.run_for(3'000);
        EXPECT_FALSE(logged("not served")) << log;
    }
}

TEST_F(Divided, TypesOfStatesAndCachesAreThoseOfTheSession) {
    TestDivision division(world, {0, 4}, {1, 1});
    ASSERT_TRUE(division.layers->join().ok());
    add_divided(world, "a", {0, 4}, division);
    for (const auto kv : {tensor::KvType::kF32, tensor::KvType::kF16, tensor::KvType::kBf16,
                          tensor::KvType::kDigits})
        for (const auto wire :
             {tensor::StateType::kF32, tensor::StateType::kF16, tensor::StateType::kI8}) {
            RemoteOptions how = over_all();
            how.kv = kv;
            how.wire = wire;
            const Text written = write_over(how, 12);
            EXPECT_EQ(written, write_alone(world, kPrompt, 12, 0.0F, wire, kv))
                << written.error << " kv " << static_cast<int>(kv) << " wire "
                << static_cast<int>(wire);
        }
    world.loop.run_for(10);
    EXPECT_EQ(division.faults[0]->part->caches(), 0U) << "sessions that ended leave nothing";
    EXPECT_EQ(division.lead->caches(), 0U);
}

// Layers before and behind it are computed by whole servers; a session may want some of its layers.
TEST_F(Divided, ItIsAHopAmongOthers) {
    TestDivision division(world, {1, 4}, {1, 1});
    ASSERT_TRUE(division.layers->join().ok());
    add_divided(world, "a", {1, 4}, division);
    world.add_server("b", {0, 2});
    world.add_server("c", {3, 4});
    EXPECT_EQ(write_over(over_all()), write_alone(world, kPrompt, 30));
    EXPECT_GT(computed("a"), 0U);
    EXPECT_GT(computed("b"), 0U);
}

TEST_F(Divided, SessionsThatWaitTogetherAreOneMessageAndEachHasItsOwnBits) {
    TestDivision division(world, {0, 4}, {1, 1});
    ASSERT_TRUE(division.layers->join().ok());
    FakeServer& server = add_divided(world, "a", {0, 4}, division);
    const Hop hop{{0, 4}, crypto::public_key(server.secret), "a"};
    std::vector<Hash256> sessions;
    std::vector<States> inputs, outputs(5);
    for (std::size_t i = 0; i < 5; ++i) {
        world.client_network.connect("a");
        sessions.push_back(std::get<Hash256>(world.open({hop}, 64)));
        inputs.push_back(world.some_states(9, i));
    }
    const std::size_t dim = world.snapshot.config.dim;
    for (const auto& [begin, rows] :
         std::vector<std::pair<std::size_t, std::size_t>>{{0, 3}, {3, 1}, {4, 4}, {8, 1}}) {
        world.loop.hold_work(true);
        std::size_t answered = 0;
        for (std::size_t i = 0; i < 5; ++i) {
            const auto from = inputs[i].begin() + static_cast<std::ptrdiff_t>(begin * dim);
            world.push(sessions[i], States(from, from + static_cast<std::ptrdiff_t>(rows * dim)),
                       [&, i](auto answer) {
                           ASSERT_TRUE(std::holds_alternative<States>(answer));
                           const States& made = std::get<States>(answer);
                           outputs[i].insert(outputs[i].end(), made.begin(), made.end());
                           ++answered;
                       });
        }
        world.loop.run_for(50);
        world.loop.hold_work(false);
        ASSERT_TRUE(world.loop.run_until([&] { return answered == 5; }));
    }
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(outputs[i], world.local_forward(inputs[i])) << i;
    EXPECT_EQ(std::ranges::max(division.faults[0]->sequences_together), 4U)
        << "those that waited while the first was computed go together";
}

TEST_F(Divided, RowsThatAreTakenBackAreComputedAnew) {
    TestDivision division(world, {0, 4}, {1, 1, 1});
    ASSERT_TRUE(division.layers->join().ok());
    add_divided(world, "a", {0, 4}, division);
    const Text expected = write_alone(world, kPrompt, 30);
    Prophet prophet;
    prophet.all = kPrompt;
    prophet.all.insert(prophet.all.end(), expected.tokens.begin(), expected.tokens.end());
    FakeRemote over = remote();
    ASSERT_TRUE(over.start().ok());
    EXPECT_EQ(write_text(world, over, kPrompt, 30, 0.0F, {&prophet, 4}), expected);
    EXPECT_GT(computed("a"), kPrompt.size() + 29) << "guesses that were wrong";
}

// A message has room for 16 rows of such columns only.
TEST_F(Divided, PassesThatNoMessageHasRoomForFallIntoSeveral) {
    const model::ModelConfig wide{.dim = 8,
                                  .hidden_dim = model::kMaxHiddenDim,
                                  .layers = 1,
                                  .heads = 2,
                                  .kv_heads = 2,
                                  .vocab = 64,
                                  .context = 64};
    ASSERT_EQ(max_part_rows(wide), 16U);
    TestWorld other{std::make_shared<const model::Model>(
        model::make_model(wide, model::initial_parameters(model::ParameterLayout(wide), 3)))};
    TestDivision division(other, {0, 1}, {1, 1});
    ASSERT_TRUE(division.layers->join().ok());
    FakeServer& server = add_divided(other, "a", {0, 1}, division);
    other.client_network.connect("a");
    const Hash256 session =
        std::get<Hash256>(other.open({{{0, 1}, crypto::public_key(server.secret), "a"}}, 64));
    const States states = other.some_states(40, 1);
    EXPECT_EQ(std::get<States>(other.push(session, states)), other.local_forward(states));
    EXPECT_EQ(division.layers->figures().exchanges, 3 * 2U);
}

TEST_F(Divided, ASentenceGoesOnElsewhereWhenAPartDiesInTheMiddle) {
    TestDivision division(world, {0, 4}, {1, 1});
    ASSERT_TRUE(division.layers->join().ok());
    add_divided(world, "a", {0, 4}, division, {.rows_per_s = 1000});
    world.add_server("b", {0, 4}, {.rows_per_s = 10});
    const Text expected = write_alone(world, kPrompt, 30);
    FakeRemote over = remote();
    ASSERT_TRUE(over.start().ok());
    ASSERT_EQ(over.layers().route()[0].address, "a");
    // In the middle of a pass: in the third layer of some step.
    over.before = [&](std::size_t call) {
        if (call == 12) division.faults[0]->lasts = 5;
    };
    EXPECT_EQ(write_text(world, over, kPrompt, 30), expected) << all_notes();
    EXPECT_TRUE(division.faults[0]->is_gone);
    EXPECT_EQ(over.layers().failovers(), 1U);
    EXPECT_GT(computed("b"), 0U);
    EXPECT_NE(all_notes().find("this server is several machines, and not all of them are there"),
              std::string::npos)
        << all_notes();
    EXPECT_EQ(all_notes().find("part 2"), std::string::npos) << all_notes();
}

TEST_F(Divided, ASentenceWaitsForAPartThatComesBack) {
    TestDivision division(world, {0, 4}, {1, 1});
    ASSERT_TRUE(division.layers->join().ok());
    add_divided(world, "a", {0, 4}, division);
    const Text expected = write_alone(world, kPrompt, 30);
    FakeRemote over = remote();
    ASSERT_TRUE(over.start().ok());
    over.before = [&](std::size_t call) {
        if (call != 12) return;
        division.faults[0]->lasts = 5;
        world.loop.call_after(5'000, [&] {
            division.faults[0]->is_gone = false;
            division.faults[0]->lasts = UINT64_MAX;
        });
    };
    EXPECT_EQ(write_text(world, over, kPrompt, 30), expected) << all_notes();
    EXPECT_EQ(division.faults[0]->lasts < UINT64_MAX, true);
}

TEST_F(Divided, WhatIsLostIsNamedRefusedAndTakenBack) {
    TestDivision division(world, {0, 4}, {1, 1, 1});
    ASSERT_TRUE(division.layers->join().ok());
    add_divided(world, "a", {0, 4}, division);
    RawPeer peer(world, "peer");
    const auto open = [&] {
        if (peer.peer == 0) peer.network.connect("a");
        world.loop.run_for(10);
        peer.terms = {
            .session = world.random.hash256(), .model = world.snapshot.hash, .max_positions = 64};
        peer.send(MessageKind::kOpenSession, encode(OpenSession{peer.terms, {0, 4}}));
        return peer.got.back().first == MessageKind::kOpened;
    };
    const auto announced = [&] {
        peer.got.clear();
        peer.send(MessageKind::kAskAnnounce, {});
        return !peer.got.empty();
    };
    ASSERT_TRUE(open());
    ASSERT_TRUE(peer.computes(0, 3));
    EXPECT_TRUE(announced());

    // Its owner hears which part it was and why, and strangers that it was one.
    const auto named = [&](const std::string& what) {
        return logged(what) && peer.errors.back() ==
                                   "busy: this server is several machines, and "
                                   "not all of them are there; its log says which";
    };
    // It stalls in the middle.
    division.faults[1]->is_silent = true;
    EXPECT_FALSE(peer.computes(3, 1));
    EXPECT_TRUE(named("not served until all parts are back: part 3 of 3: it is silent"))
        << peer.errors.back();
    EXPECT_FALSE(announced()) << "who cannot serve does not say that he does";
    EXPECT_FALSE(open());
    division.faults[1]->is_silent = false;
    world.loop.run_for(3'000);
    EXPECT_TRUE(announced());
    ASSERT_TRUE(open());
    ASSERT_TRUE(peer.computes(0, 3)) << peer.errors.back();

    // Its link is lost while nobody asks: sessions learn it all the same.
    division.faults[0]->is_gone = true;
    world.loop.run_for(2'000);
    EXPECT_TRUE(named("part 2 of 3: the link is lost")) << peer.errors.back();
    EXPECT_EQ(world.servers.at("a").server->open_sessions(), 0U);
    EXPECT_FALSE(open());
    EXPECT_TRUE(named("still not all parts are back: part 2 of 3: nothing answers there"))
        << peer.errors.back();
    division.faults[0]->is_gone = false;
    world.loop.run_for(3'000);
    ASSERT_TRUE(open());

    // It answers with rows of another shape, or refuses.
    division.faults[0]->tamper = [](PartMessage& answer) {
        if (answer.kind == PartKind::kShare) answer.body = encode(PartShare{1, {1.0F}});
    };
    EXPECT_FALSE(peer.computes(0, 3));
    EXPECT_TRUE(named("part 2 of 3 answered with rows of another shape")) << peer.errors.back();
    division.faults[0]->tamper = [](PartMessage& answer) {
        answer = {PartKind::kRefused, encode_part_reason("another model")};
    };
    world.loop.run_for(3'000);
    EXPECT_FALSE(open());
    EXPECT_TRUE(named("part 2 of 3 refused: another model")) << peer.errors.back();
}

// A lane takes only so many pieces of work, and one step of a part may last for 30 s.
TEST_F(Divided, SessionsThatComputeNothingLeaveNothingToDo) {
    TestDivision division(world, {0, 4}, {1, 1});
    ASSERT_TRUE(division.layers->join().ok());
    add_divided(world, "a", {0, 4}, division);
    RawPeer user(world, "user"), stranger(world, "stranger");
    const auto open = [&](RawPeer& peer) {
        if (peer.peer == 0) peer.network.connect("a");
        world.loop.run_for(10);
        peer.terms = {
            .session = world.random.hash256(), .model = world.snapshot.hash, .max_positions = 64};
        peer.send(MessageKind::kOpenSession, encode(OpenSession{peer.terms, {0, 4}}));
        return peer.got.back().first == MessageKind::kOpened;
    };
    const auto push = [&](RawPeer& peer) {
        peer.send(MessageKind::kPush, encode(peer.push(0, world.some_states(3, 1))));
    };
    ASSERT_TRUE(open(user));
    world.loop.hold_work(true);
    push(user);
    ASSERT_EQ(world.loop.waiting_work(), 1U) << "the user's rows are being computed";
    for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(open(stranger));
        if (i % 2 == 0) push(stranger);
        stranger.send(MessageKind::kClose, encode_session_id(stranger.terms.session));
    }
    EXPECT_EQ(world.loop.waiting_work(), 1U);
    // What has computed has a cache in the parts, also if it ends before its rows are there.
    user.send(MessageKind::kClose, encode_session_id(user.terms.session));
    EXPECT_EQ(world.loop.waiting_work(), 2U);
    world.loop.hold_work(false);
    world.loop.run_for(10);
    EXPECT_EQ(division.lead->caches(), 0U);
    EXPECT_EQ(division.faults[0]->part->caches(), 0U);
}

}  // namespace
}  // namespace cairn::serve
