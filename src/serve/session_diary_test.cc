// Proves that a client which keeps its own sessions convicts whoever lied in any of them, over
// guesses that were taken back, quiet pushes and a text that begins anew, accuses nobody else,
// keeps as many as it was told to, and no more than it has memory for.
#include "serve/session_diary.h"

#include <gtest/gtest.h>

#include "serve/exhibit_file.h"
#include "serve/test_world.h"

namespace cairn::serve {
namespace {

struct SessionDiaryTest : ::testing::Test {
    TestWorld world{small_model()};
    SessionDiaries diaries{1, world.random, 1 << 24};
    const std::size_t dim = world.snapshot.config.dim;
    static constexpr model::LayerRange kLayers{1, 4};

    FakeServer& server_with(float change) {
        FakeServer& server = world.add_server("a", kLayers);
        std::vector<float> held = model::dense_parameters(*world.model);
        const model::ParameterLayout layout = world.model->layout();
        layout.slice(std::span(held), model::TensorKind::kWDown, 2)[5] += change;
        ModelSnapshot snapshot = snapshot_of(std::make_shared<const model::Model>(
                                                 model::make_model(layout.config(), held)))
                                     .value();
        snapshot.hash = world.snapshot.hash;  // what it claims
        server.server->set_model(snapshot, kLayers);
        world.client->sessions().set_watch(&diaries);
        return server;
    }
    ~SessionDiaryTest() override { world.client->sessions().set_watch(nullptr); }

    Hash256 open() {
        std::optional<Hash256> id;
        world.client->sessions().open(
            {.model = world.snapshot.hash,
             .dim = world.snapshot.config.dim,
             .max_positions = 64,
             .hop = {kLayers, crypto::public_key(world.servers.at("a").secret), "a"},
             .ended = {}},
            [&](const std::variant<Hash256, Failure>& answer) { id = std::get<Hash256>(answer); });
        world.loop.run_until([&] { return id.has_value(); });
        return *id;
    }
    void push(const Hash256& session, std::uint32_t position, std::size_t rows,
              bool quiet = false) {
        bool done = false;
        ASSERT_TRUE(world.client->sessions()
                        .push(session, position, world.some_states(rows, position + rows), quiet,
                              [&](const States&) { done = true; })
                        .ok());
        world.loop.run_until([&] { return done; });
    }
    Examined examined(const SessionDiary& diary) {
        return examine(diary, world.snapshot, world.compute);
    }
    void expect_convicted(const SessionDiary& diary) {
        const Examined result = examined(diary);
        ASSERT_EQ(result.finding, trust::Finding::kConvicted) << result.sentence;
        const Exhibit read = decode_exhibit(encode(*result.exhibit)).value();
        EXPECT_TRUE(judge(read, world.snapshot, world.compute).is_invalid());
    }
};

TEST_F(SessionDiaryTest, AnHonestServerIsRightOverGuessesThatWereTakenBack) {
    server_with(0);
    const Hash256 session = open();
    push(session, 0, 12);
    push(session, 12, 5);  // guesses, of which two come true
    push(session, 14, 4);
    push(session, 15, 1);
    push(session, 16, 8, true);
    push(session, 24, 1);
    const auto kept = diaries.take();
    ASSERT_EQ(kept.size(), 1U);
    EXPECT_EQ(kept[0].rows(), 25U);
    const Examined result = examined(kept[0]);
    EXPECT_EQ(result.finding, trust::Finding::kRight) << result.sentence;
}

TEST_F(SessionDiaryTest, AWrongWeightConvictsWhateverWasTakenBack) {
    server_with(0.01F);
    const Hash256 session = open();
    push(session, 0, 12);
    push(session, 12, 5);
    push(session, 13, 2);
    const auto kept = diaries.take();
    ASSERT_EQ(kept.size(), 1U);
    expect_convicted(kept[0]);
}

/// Answers honestly but for one push, which it signs for all the same.
struct OnePushLiar {
    std::size_t which = 0;
    crypto::SecretKey secret;
    SessionTerms terms;
    std::size_t seen = 0;

    void operator()(MessageKind kind, Bytes& body) {
        if (kind != MessageKind::kResult || seen++ != which) return;
        PushResult result = decode_result(body).value();
        Hash256 output = result.receipt.output;
        if (result.push.states.empty()) {
            output.bytes[0] ^= 1;  // quiet: nothing but the receipt goes over
        } else {
            result.push.states.front() += 1;
            output = states_hash(result.push.position, result.push.states);
        }
        result.receipt = make_receipt(terms, result.receipt.layers, result.receipt.inputs, output,
                                      secret, Hash256());
        body = encode(result);
    }
};

TEST_F(SessionDiaryTest, OneLieAnywhereConvicts) {
    FakeServer& server = server_with(0);
    for (const std::size_t which : {0U, 1U, 2U, 3U}) {
        auto liar = std::make_shared<OnePushLiar>(OnePushLiar{which, server.secret, {}, 0});
        server.network->tamper = [liar](MessageKind kind, Bytes& body) { (*liar)(kind, body); };
        world.client_network.tamper = [liar](MessageKind kind, Bytes& body) {
            if (kind == MessageKind::kOpenSession)
                liar->terms = decode_open_session(body).value().terms;
        };
        const Hash256 session = open();
        push(session, 0, 6);
        push(session, 6, 5);  // of which two stay
        push(session, 8, 4, true);
        push(session, 12, 1);
        const auto kept = diaries.take();
        ASSERT_EQ(kept.size(), 1U);
        expect_convicted(kept[0]);
    }
}

TEST_F(SessionDiaryTest, ATextThatBeginsAnewIsAuditedAsWell) {
    server_with(0.01F);
    const Hash256 session = open();
    push(session, 0, 6);
    push(session, 0, 5);
    const auto kept = diaries.take();
    ASSERT_EQ(kept.size(), 2U);
    for (const SessionDiary& diary : kept) expect_convicted(diary);
    EXPECT_TRUE(diaries.take().empty());
}

TEST_F(SessionDiaryTest, WhileASessionGoesOnOnlyNewsIsGiven) {
    server_with(0);
    const Hash256 session = open();
    push(session, 0, 4);
    const auto first = diaries.so_far();
    ASSERT_EQ(first.size(), 1u);
    EXPECT_FALSE(first[0].again);
    EXPECT_TRUE(diaries.so_far().empty());
    push(session, 4, 3);
    const auto second = diaries.so_far();
    ASSERT_EQ(second.size(), 1u);
    EXPECT_TRUE(second[0].again);
    EXPECT_EQ(second[0].rows(), 7u);
    EXPECT_EQ(examined(second[0]).finding, trust::Finding::kRight);
    push(session, 0, 2);  // another text: what is known of the first one is not given again
    const auto third = diaries.so_far();
    ASSERT_EQ(third.size(), 1u);
    EXPECT_EQ(third[0].rows(), 2u);
    EXPECT_FALSE(third[0].again);
}

TEST_F(SessionDiaryTest, WhatWasNotAnsweredAccusesNobody) {
    FakeServer& server = server_with(0);
    const Hash256 session = open();
    push(session, 0, 6);
    server.network->swallow = MessageKind::kResult;
    ASSERT_TRUE(world.client->sessions()
                    .push(session, 6, world.some_states(2, 1), false, [](const States&) {})
                    .ok());
    world.loop.run_for(200);
    const auto kept = diaries.take();
    ASSERT_EQ(kept.size(), 1U);
    EXPECT_EQ(kept[0].rows(), 6U);
    EXPECT_EQ(examined(kept[0]).finding, trust::Finding::kRight);
}

TEST_F(SessionDiaryTest, SoManyAreKeptAsWereToBeAndNoMoreThanMemoryHolds) {
    SeededRandom random(3);
    const crypto::SecretKey secret = crypto::SecretKey::generate(random);
    const Hop hop{kLayers, crypto::public_key(secret), "a"};
    const States row(dim);
    const auto kept_of = [&](SessionDiaries& some, std::size_t sessions, std::size_t rows) {
        for (std::size_t i = 0; i < sessions; ++i) {
            SessionTerms terms{};
            terms.session = random.hash256();
            for (std::uint32_t at = 0; at < rows; ++at) some.pushed(terms, hop, at, row, dim);
        }
        return some.take().size();
    };
    SessionDiaries some(0.25, random, 1 << 24);
    EXPECT_NEAR(static_cast<double>(kept_of(some, 2'000, 1)), 500, 60);
    SessionDiaries none(0, random, 1 << 24);
    EXPECT_EQ(kept_of(none, 100, 1), 0U);
    SessionDiaries small(1, random, 10 * dim * sizeof(float));
    EXPECT_EQ(kept_of(small, 1, 11), 0U) << "too long to be kept";
    EXPECT_EQ(kept_of(small, 1, 10), 1U);
}

}  // namespace
}  // namespace cairn::serve
