// Proves that strangers who want to hold a layer server's memory, places or computing, or to use
// it against others, fail: whoever has work to do gets it done.
#include <gtest/gtest.h>

#include "serve/test_world.h"

namespace cairn::serve {
namespace {

struct LayerServerAttack : ::testing::Test {
    TestWorld world{small_model()};
    std::vector<std::unique_ptr<RawPeer>> peers;

    RawPeer& peer(const std::string& group) {
        const std::string name = "peer " + std::to_string(peers.size());
        return *peers.emplace_back(std::make_unique<RawPeer>(world, name, group));
    }
    std::string last_error(const RawPeer& peer) {
        return peer.errors.empty() ? "" : peer.errors.back();
    }
};

TEST_F(LayerServerAttack, AServerDialsNobodyWhateverItIsSent) {
    FakeServer& a = world.add_server("a", {0, 5});
    FakeServer& victim = world.add_server("victim", {0, 5});
    RawPeer& attacker = peer("x");
    ASSERT_TRUE(attacker.open_at("a"));
    // Version 1 of OpenSession named the hop that the server was to dial.
    Writer hop;
    hop.raw(encode(OpenSession{attacker.terms, {0, 2}}));
    hop.fixed(crypto::public_key(attacker.secret));
    hop.u8(1);
    hop.u32(2);
    hop.u32(5);
    hop.fixed(crypto::public_key(victim.secret));
    hop.text("victim");
    attacker.send(MessageKind::kOpenSession, hop.out());
    EXPECT_NE(last_error(attacker).find("bad request"), std::string::npos);
    EXPECT_TRUE(attacker.computes(0, 3));
    world.loop.run_for(10'000);
    EXPECT_EQ(a.network->dialled, 0U);
}

TEST_F(LayerServerAttack, FourKeysThatComputeNothingDoNotHoldAllSessions) {
    FakeServer& a = world.add_server("a", {0, 5});
    for (int key = 0; key < 4; ++key) {
        RawPeer& idle = peer("crowd");
        for (int i = 0; i < 16; ++i) ASSERT_TRUE(idle.open_at("a"));
    }
    ASSERT_EQ(a.server->open_sessions(), 64U);
    RawPeer& neighbour = peer("crowd");
    RawPeer& other = peer("elsewhere");
    EXPECT_TRUE(neighbour.open_at("a")) << last_error(neighbour);
    EXPECT_TRUE(other.open_at("a")) << last_error(other);
    // They go on opening sessions as fast as they can; those who work keep theirs.
    for (std::uint32_t step = 0; step < 20; ++step) {
        EXPECT_TRUE(neighbour.computes(step, 1)) << last_error(neighbour);
        EXPECT_TRUE(other.computes(step, 1)) << last_error(other);
        for (int key = 0; key < 4; ++key) peers[static_cast<std::size_t>(key)]->open_at("a");
    }
    EXPECT_EQ(a.server->open_sessions(), 64U);
}

TEST_F(LayerServerAttack, ACrowdThatComputesALittleEverywhereStillMakesRoom) {
    LayerServerOptions options;
    options.max_sessions = 8;
    world.add_server("a", {0, 5}, options);
    std::vector<RawPeer*> crowd;
    for (int key = 0; key < 8; ++key) {
        crowd.push_back(&peer("crowd"));
        ASSERT_TRUE(crowd.back()->open_at("a"));
        ASSERT_TRUE(crowd.back()->computes(0, 1));
    }
    RawPeer& user = peer("elsewhere");
    EXPECT_TRUE(user.open_at("a")) << last_error(user);
    EXPECT_TRUE(user.computes(0, 4));
    // The crowd comes back and takes from itself, not from somebody who holds one session.
    world.loop.run_for(60'000);
    for (int key = 0; key < 8; ++key) peer("crowd").open_at("a");
    EXPECT_TRUE(user.computes(4, 1)) << last_error(user);
}

TEST_F(LayerServerAttack, OneLargeSessionThatComputesNothingMakesRoom) {
    LayerServerOptions options;
    options.max_session_bytes = 160 * 1024;
    world.add_server("a", {0, 5}, options);
    RawPeer& greedy = peer("crowd");
    ASSERT_TRUE(greedy.open_at("a", 128));  // 112 KiB
    RawPeer& user = peer("crowd");
    EXPECT_FALSE(user.open_at("a", 128));
    EXPECT_NE(last_error(user).find("busy: all of this server's memory"), std::string::npos);
    world.loop.run_for(11'000);
    EXPECT_TRUE(user.open_at("a", 128)) << last_error(user);
    EXPECT_NE(last_error(greedy).find("busy: its place is needed"), std::string::npos);
}

TEST_F(LayerServerAttack, AStepIsNotBehindTheLongPrefillsOfACrowd) {
    world.add_server("a", {0, 5});
    std::vector<RawPeer*> crowd;
    for (int key = 0; key < 20; ++key) {
        crowd.push_back(&peer("crowd"));
        ASSERT_TRUE(crowd.back()->open_at("a", 128));
    }
    RawPeer& user = peer("elsewhere");
    ASSERT_TRUE(user.open_at("a"));
    world.loop.hold_work(true);
    for (RawPeer* one : crowd)
        one->send(MessageKind::kPush, encode(one->push(0, world.some_states(128, 1))));
    user.send(MessageKind::kPush, encode(user.push(0, world.some_states(1, 1))));
    // Batch by batch: the first is under way when the user's push comes, the next has it.
    std::size_t before = 0;
    world.loop.hold_work(false);
    ASSERT_TRUE(
        world.loop.run_until([&] { return user.got.back().first == MessageKind::kResult; }));
    for (const RawPeer* one : crowd) before += one->got.back().first == MessageKind::kResult;
    EXPECT_LE(before, 3U) << "prefills of two batches at most";
}

// Rows that are taken back again and again are computed again and again, and counted so.
TEST_F(LayerServerAttack, WhoTakesBackWithoutEndHoldsNobodyUp) {
    world.add_server("a", {0, 5});
    std::vector<RawPeer*> crowd;
    for (int key = 0; key < 8; ++key) {
        crowd.push_back(&peer("crowd"));
        ASSERT_TRUE(crowd.back()->open_at("a", 128));
        ASSERT_TRUE(crowd.back()->computes(0, 100));
    }
    RawPeer& user = peer("elsewhere");
    ASSERT_TRUE(user.open_at("a"));
    for (std::uint32_t step = 0; step < 10; ++step) {
        world.loop.hold_work(true);
        for (RawPeer* one : crowd)
            for (int i = 0; i < 4; ++i)
                one->send(MessageKind::kPush, encode(one->push(90, world.some_states(30, 1))));
        user.send(MessageKind::kPush, encode(user.push(step, world.some_states(1, 1))));
        std::size_t before = 0;
        for (RawPeer* one : crowd) before += one->got.size();
        world.loop.hold_work(false);
        ASSERT_TRUE(world.loop.run_until([&] {
            return user.got.back().first == MessageKind::kResult && user.got.size() == step + 2;
        }));
        std::size_t after = 0;
        for (RawPeer* one : crowd) after += one->got.size();
        EXPECT_LE(after - before, 17U) << "two batches at most";
        world.loop.run_for(1'000);
    }
}

TEST_F(LayerServerAttack, NobodyCanTakeOrSpoilAnotherLinksSessionId) {
    FakeServer& a = world.add_server("a", {0, 5});
    RawPeer& owner = peer("x");
    RawPeer& thief = peer("y");
    ASSERT_TRUE(owner.open_at("a"));
    ASSERT_TRUE(thief.open_at("a"));
    // He knows the id, for instance as the owner of another hop, and opens it here before or after.
    thief.terms = owner.terms;
    thief.send(MessageKind::kOpenSession, encode(OpenSession{owner.terms, {0, 5}}));
    EXPECT_EQ(thief.got.back().first, MessageKind::kOpened);
    EXPECT_TRUE(thief.computes(0, 2));
    EXPECT_TRUE(owner.computes(0, 1)) << last_error(owner);
    thief.send(MessageKind::kClose, encode_session_id(owner.terms.session));
    EXPECT_TRUE(owner.computes(1, 1)) << last_error(owner);
    EXPECT_EQ(a.server->open_sessions(), 2U);
}

TEST(LayerServerMemory, WhatWaitsIsBoundedInTokensToo) {
    model::ModelConfig config = small_model()->config;
    config.context = 1024;
    TestWorld world(std::make_shared<const model::Model>(
        model::make_model(config, model::initial_parameters(model::ParameterLayout(config), 3))));
    world.add_server("a", {0, 5});
    RawPeer attacker(world, "attacker");
    ASSERT_TRUE(attacker.open_at("a", 1024));
    world.loop.hold_work(true);
    const States rows = world.some_states(200, 1);
    attacker.send(MessageKind::kPush, encode(attacker.push(0, rows)));  // is being computed
    attacker.send(MessageKind::kPush, encode(attacker.push(200, rows)));
    EXPECT_TRUE(attacker.errors.empty());
    attacker.send(MessageKind::kPush, encode(attacker.push(400, rows)));
    ASSERT_EQ(attacker.errors.size(), 1U) << "no more than one largest push may wait";
    EXPECT_NE(attacker.errors[0].find("busy"), std::string::npos);
    world.loop.hold_work(false);
}

TEST_F(LayerServerAttack, ASessionUnderComputationCanBeClosedAndOpenedAgain) {
    FakeServer& a = world.add_server("a", {0, 5});
    RawPeer& attacker = peer("x");
    ASSERT_TRUE(attacker.open_at("a"));
    for (int i = 0; i < 50; ++i) {
        world.loop.hold_work(true);
        for (std::uint32_t at = 0; at < 3; ++at)
            attacker.send(MessageKind::kPush, encode(attacker.push(at, world.some_states(1, at))));
        attacker.send(MessageKind::kClose, encode_session_id(attacker.terms.session));
        attacker.send(MessageKind::kOpenSession, encode(OpenSession{attacker.terms, {0, 5}}));
        world.loop.hold_work(false);
        world.loop.run_for(10);
    }
    EXPECT_TRUE(attacker.errors.empty()) << last_error(attacker);
    EXPECT_EQ(a.server->open_sessions(), 1U);
    EXPECT_TRUE(attacker.computes(0, 1)) << "the new session knows nothing of the old one's pushes";
}

TEST_F(LayerServerAttack, AskingForAnnouncementsWithoutEndCostsOneSignatureASecond) {
    FakeServer& a = world.add_server("a", {0, 5});
    RawPeer& attacker = peer("x");
    ASSERT_TRUE(attacker.open_at("a"));
    std::set<Bytes> records;
    for (int i = 0; i < 200; ++i) {
        attacker.send(MessageKind::kAskAnnounce, {});  // 10 ms pass
        records.insert(attacker.got.back().second);
    }
    EXPECT_LE(records.size(), 3U);
    EXPECT_EQ(a.server->open_sessions(), 1U);
}

TEST_F(LayerServerAttack, OddSpansOfLayersCostNoMemoryOfTheirOwn) {
    FakeServer& a = world.add_server("a", {0, 5});
    const std::vector<model::LayerRange> spans = {{0, 1}, {1, 3}, {2, 3}, {0, 5}, {4, 5}};
    RawPeer& attacker = peer("x");
    ASSERT_TRUE(attacker.open_at("a"));
    attacker.send(MessageKind::kClose, encode_session_id(attacker.terms.session));
    // Each computes what it asked for: one transformer runs any part of the layers.
    for (const model::LayerRange span : spans) {
        attacker.terms.session = world.random.hash256();
        attacker.send(MessageKind::kOpenSession, encode(OpenSession{attacker.terms, span}));
        const States states = world.some_states(3, 2);
        attacker.send(MessageKind::kPush, encode(attacker.push(0, states)));
        ASSERT_EQ(attacker.got.back().first, MessageKind::kResult);
        States expected = states;
        model::Transformer alone(world.snapshot.config, world.snapshot.weights, span, world.compute,
                                 {.max_batch = 3});
        model::KvCache cache(world.snapshot.config, span, 64);
        alone.forward(expected, cache);
        EXPECT_EQ(decode_result(attacker.got.back().second)->push.states, expected);
    }
    EXPECT_EQ(a.server->open_sessions(), spans.size());
}

TEST_F(LayerServerAttack, ClientsThatAreGivenResultsAreTheUsefulLinks) {
    FakeServer& a = world.add_server("a", {0, 5});
    RawPeer& mute = peer("x");
    ASSERT_TRUE(mute.open_at("a"));
    RawPeer& user = peer("x");
    ASSERT_TRUE(user.open_at("a"));
    EXPECT_TRUE(a.network->useful.empty());
    ASSERT_TRUE(user.computes(0, 1));
    EXPECT_EQ(a.network->useful.size(), 1U) << "the other holds a session and computes nothing";
}

}  // namespace
}  // namespace cairn::serve
