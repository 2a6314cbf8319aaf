// Proves that a sentence goes on, token for token, whatever happens to the servers that write it;
// that what is lost is noticed within a second and what is merely slow is not given up; that only
// the lost server's cache is built anew; and that a standby takes over at once.
#include <gtest/gtest.h>

#include <algorithm>

#include "serve/test_text.h"

namespace cairn::serve {
namespace {

constexpr std::size_t kTokens = 40;

struct FailoverTest : RemoteTextTest {
    LayerServer& server(const std::string& address) { return *world.servers.at(address).server; }
};

TEST_F(FailoverTest, OnlyTheLostServersCacheIsBuiltAnew) {
    for (const auto& [name, layers] : std::map<std::string, model::LayerRange>{
             {"a", {0, 2}}, {"b", {2, 4}}, {"c", {2, 4}}, {"d", {4, 5}}})
        world.add_server(name, layers);
    const Text expected = write_alone(world, kPrompt, kTokens);
    FakeRemote over = remote();
    ASSERT_TRUE(over.start().ok());
    const std::string lost = over.layers().route()[1].address;
    over.before = [&](std::size_t call) {
        if (call == 20) world.servers.at(lost).kill();
    };
    EXPECT_EQ(write_text(world, over, kPrompt, kTokens), expected);
    EXPECT_EQ(over.layers().failovers(), 1U);
    // The last token is sampled, and never pushed.
    const std::uint64_t positions = kPrompt.size() + kTokens - 1;
    EXPECT_EQ(server("a").tokens_computed(), positions);
    EXPECT_EQ(server("d").tokens_computed(), positions);
    EXPECT_EQ(server(lost == "b" ? "c" : "b").tokens_computed(), positions);
}

TEST_F(FailoverTest, SilenceIsNoticedWithinASecond) {
    world.add_server("a", {0, 2});
    world.add_server("b", {2, 5});
    world.add_server("c", {2, 5});
    const Text expected = write_alone(world, kPrompt, kTokens);
    FakeRemote over = remote();
    ASSERT_TRUE(over.start().ok());
    std::uint64_t stopped_us = 0;
    std::uint64_t went_on_us = 0;
    over.before = [&](std::size_t call) {
        if (call == 20) {
            world.wire.frozen.insert(over.layers().route()[1].address);
            stopped_us = world.clock.monotonic_us();
        }
        if (call == 21) went_on_us = world.clock.monotonic_us();
    };
    EXPECT_EQ(write_text(world, over, kPrompt, kTokens), expected);
    EXPECT_EQ(over.layers().failovers(), 1U) << all_notes();
    EXPECT_LE(went_on_us - stopped_us, 1'000'000U);
    EXPECT_GE(went_on_us - stopped_us, 400'000U) << "that would be jitter";
    EXPECT_NE(all_notes().find("is late; another is asked"), std::string::npos) << all_notes();
}

TEST_F(FailoverTest, WhoComputesForLongIsNotGivenUp) {
    world.add_server("a", {0, 5});
    world.add_server("b", {0, 5});
    const Text expected = write_alone(world, kPrompt, kTokens);
    FakeRemote over = remote();
    ASSERT_TRUE(over.start().ok());
    over.before = [&](std::size_t call) {
        if (call % 10 != 5) return;
        world.loop.hold_work(true);
        world.loop.call_after(5'000, [&] { world.loop.hold_work(false); });
    };
    EXPECT_EQ(write_text(world, over, kPrompt, kTokens), expected);
    EXPECT_EQ(over.layers().failovers(), 0U) << all_notes();
    EXPECT_EQ(all_notes().find("late"), std::string::npos) << all_notes();
}

// A line of half a second each way: later than a second now and then, and nobody else is there.
TEST_F(FailoverTest, ALateServerIsKeptWhereThereIsNoOther) {
    world.add_server("a", {0, 5});
    const Text expected = write_alone(world, kPrompt, 10);
    FakeRemote over = remote();
    ASSERT_TRUE(over.start().ok());
    world.wire.late_ms["a"] = 600;
    EXPECT_EQ(write_text(world, over, kPrompt, 10), expected);
    EXPECT_EQ(over.layers().failovers(), 0U) << all_notes();
    // Its patience grew with the first false alarms, so they ended.
    const auto alarms = std::ranges::count_if(
        notes, [](const std::string& note) { return note.find("late") != std::string::npos; });
    EXPECT_LE(alarms, 2) << all_notes();
}

TEST_F(FailoverTest, AStandbyFollowsAndTakesOverAtOnce) {
    world.add_server("a", {0, 2});
    world.add_server("b", {2, 5});
    world.add_server("c", {2, 5});
    options.standbys = 1;
    const Text expected = write_alone(world, kPrompt, kTokens);
    FakeRemote over = remote();
    ASSERT_TRUE(over.start().ok());
    const std::string lost = over.layers().route()[1].address;
    const std::string standby = lost == "b" ? "c" : "b";
    std::uint64_t followed = 0;
    over.before = [&](std::size_t call) {
        if (call != 30) return;
        followed = server(standby).tokens_computed();
        world.servers.at(lost).kill();
    };
    EXPECT_EQ(write_text(world, over, kPrompt, kTokens), expected);
    EXPECT_EQ(over.layers().failovers(), 1U);
    const std::size_t then = kPrompt.size() + 29;
    EXPECT_LT(followed, then);
    EXPECT_GT(followed + 17, then) << "it lags by 16 rows at most";
    EXPECT_EQ(server(standby).tokens_computed(), kPrompt.size() + kTokens - 1);
}

TEST_F(FailoverTest, AStandbyThatDiesOrStopsHoldsNobodyUp) {
    for (const char* name : {"a", "b", "c", "d"}) world.add_server(name, {0, 5});
    options.standbys = 1;
    const Text expected = write_alone(world, kPrompt, kTokens);
    FakeRemote over = remote();
    ASSERT_TRUE(over.start().ok());
    const std::string leader = over.layers().route()[0].address;
    const std::uint64_t began_us = world.clock.monotonic_us();
    over.before = [&](std::size_t call) {
        for (const auto& [name, each] : world.servers) {
            if (name == leader || !each.server || each.server->open_sessions() == 0) continue;
            if (call == 10) world.servers.at(name).kill();
            if (call == 20) world.wire.frozen.insert(name);
            if (call == 10 || call == 20) return;
        }
        EXPECT_TRUE(call != 10 && call != 20) << "a standby is there, and another after it";
    };
    EXPECT_EQ(write_text(world, over, kPrompt, kTokens), expected);
    EXPECT_EQ(over.layers().failovers(), 0U) << all_notes();
    EXPECT_LT(world.clock.monotonic_us() - began_us, 200'000U);
}

TEST_F(FailoverTest, ASentenceWaitsForAServerThatReturns) {
    world.add_server("a", {0, 2});
    world.add_server("b", {2, 5});
    const Text expected = write_alone(world, kPrompt, kTokens);
    FakeRemote over = remote();
    ASSERT_TRUE(over.start().ok());
    over.before = [&](std::size_t call) {
        if (call != 20) return;
        world.servers.at("b").kill();
        world.loop.call_after(12'000, [&] {
            world.servers.erase("b");
            world.add_server("b", {2, 5});
        });
    };
    EXPECT_EQ(write_text(world, over, kPrompt, kTokens), expected);
    EXPECT_NE(all_notes().find("nobody holds layers 2-5 now; waiting up to 30 s"),
              std::string::npos)
        << all_notes();
}

TEST_F(FailoverTest, SeveralServersMayShareWhatOneHeld) {
    world.add_server("a", {0, 1});
    world.add_server("b", {1, 5});
    world.add_server("c", {1, 3});
    world.add_server("d", {3, 5});
    const Text expected = write_alone(world, kPrompt, kTokens);
    FakeRemote over = remote();
    ASSERT_TRUE(over.start().ok());
    over.before = [&](std::size_t call) {
        if (call == 15) world.servers.at("b").kill();
    };
    EXPECT_EQ(write_text(world, over, kPrompt, kTokens), expected) << all_notes();
    EXPECT_EQ(over.layers().route().size(), 3U);
    EXPECT_EQ(server("a").tokens_computed(), kPrompt.size() + kTokens - 1);
}

TEST_F(FailoverTest, WithoutMemoryForItsInputsAStageIsRebuiltWithThoseBeforeIt) {
    world.add_server("a", {0, 2});
    world.add_server("b", {2, 4});
    world.add_server("c", {4, 5});
    world.add_server("d", {4, 5});
    options.max_kept_bytes = 1;
    const Text expected = write_alone(world, kPrompt, kTokens);
    FakeRemote over = remote();
    ASSERT_TRUE(over.start().ok());
    over.before = [&](std::size_t call) {
        if (call == 20) world.servers.at(over.layers().route()[2].address).kill();
    };
    EXPECT_EQ(write_text(world, over, kPrompt, kTokens), expected) << all_notes();
    EXPECT_EQ(server("a").open_sessions(), 1U) << "the old session is closed";
}

// What two others could compute together is not torn from who is late and will answer.
TEST_F(FailoverTest, ALateServerIsNotGivenUpForSeveral) {
    world.add_server("a", {0, 2});
    world.add_server("b", {2, 5});
    world.add_server("c", {2, 4});
    world.add_server("d", {4, 5});
    const Text expected = write_alone(world, kPrompt, kTokens);
    FakeRemote over = remote();
    ASSERT_TRUE(over.start().ok());
    ASSERT_EQ(over.layers().route().size(), 2U);
    over.before = [&](std::size_t call) { world.wire.late_ms["b"] = call == 20 ? 700 : 0; };
    EXPECT_EQ(write_text(world, over, kPrompt, kTokens), expected);
    EXPECT_NE(all_notes().find("late"), std::string::npos) << all_notes();
    EXPECT_EQ(over.layers().failovers(), 0U) << all_notes();
    EXPECT_EQ(over.layers().route().size(), 2U);
}

TEST_F(FailoverTest, StagesThatAreMadeAnewKeepNoMoreThanTheyMay) {
    world.add_server("a", {0, 2});
    world.add_server("b", {2, 5});
    world.add_server("c", {2, 3});
    world.add_server("d", {3, 4});
    world.add_server("e", {4, 5});
    const std::uint64_t each = std::uint64_t{world.snapshot.config.context} *
                               tensor::state_row_bytes(options.wire, world.snapshot.config.dim);
    options.max_kept_bytes = 3 * each;
    const Text expected = write_alone(world, kPrompt, kTokens);
    FakeRemote over = remote();
    ASSERT_TRUE(over.start().ok());
    EXPECT_EQ(over.layers().keeping_stages(), 2U);
    over.before = [&](std::size_t call) {
        if (call == 20) world.servers.at("b").kill();
    };
    EXPECT_EQ(write_text(world, over, kPrompt, kTokens), expected) << all_notes();
    EXPECT_EQ(over.layers().route().size(), 4U);
    EXPECT_EQ(over.layers().keeping_stages(), 3U);
}

TEST_F(FailoverTest, AServerThatAnswersQuestionsAndNeverComputesIsOvertaken) {
    for (const char* name : {"a", "b", "c"}) world.add_server(name, {0, 5});
    const Text expected = write_alone(world, kPrompt, 20);
    for (const std::size_t standbys : {0U, 1U}) {
        options.standbys = standbys;
        FakeRemote over = remote();
        ASSERT_TRUE(over.start().ok());
        const std::string idle = over.layers().route()[0].address;
        world.servers.at(idle).network->swallow = MessageKind::kResult;
        const std::uint64_t began_us = world.clock.monotonic_us();
        EXPECT_EQ(write_text(world, over, kPrompt, 20), expected);
        EXPECT_EQ(over.layers().failovers(), 1U) << all_notes();
        EXPECT_LE(world.clock.monotonic_us() - began_us, standbys == 0 ? 11'000'000U : 3'000'000U);
        world.servers.at(idle).network->swallow.reset();
    }
}

TEST_F(FailoverTest, AnyWireAndCacheTypeWritesTheUnsplitTextOverAnySplit) {
    using tensor::KvType;
    using tensor::StateType;
    const std::vector<std::vector<std::uint32_t>> splits = {{0, 5}, {0, 2, 5}, {0, 1, 2, 3, 4, 5}};
    std::set<Hash256> digests;
    for (const StateType wire : {StateType::kF32, StateType::kF16, StateType::kI8}) {
        for (const KvType kv : tensor::kKvTypes) {
            const Text expected = write_alone(world, kPrompt, kTokens, 0.0F, wire, kv);
            digests.insert(expected.digest);
            for (const auto& split : splits) {
                world.servers.clear();
                world.loop.run_for(1);
                for (std::size_t i = 0; i + 1 < split.size(); ++i)
                    world.add_server("s" + std::to_string(i), {split[i], split[i + 1]});
                options.wire = wire;
                options.kv = kv;
                FakeRemote over = remote("spare");  // which is not there yet
                ASSERT_TRUE(over.start().ok());
                EXPECT_EQ(over.layers().route().size(), split.size() - 1);
                over.before = [&](std::size_t call) {
                    if (call != 9) return;
                    world.add_server("spare", {0, 5});
                    world.servers.at(over.layers().route()[0].address).kill();
                };
                EXPECT_EQ(write_text(world, over, kPrompt, kTokens), expected)
                    << tensor::state_type_name(wire) << ", " << split.size() - 1 << " servers";
            }
        }
    }
    EXPECT_EQ(digests.size(), 3U * std::size(tensor::kKvTypes)) << "each type has bits of its own";
}

TEST_F(FailoverTest, GuessesChangeNoBitAlsoWhenAServerDies) {
    for (const bool dies : {false, true}) {
        for (const std::size_t standbys : {0U, 1U}) {
            world.servers.clear();
            world.loop.run_for(1);
            world.add_server("a", {0, 2});
            world.add_server("b", {2, 5});
            world.add_server("c", {2, 5});
            world.add_server("d", {0, 2});
            options.standbys = standbys;
            const Text expected = write_alone(world, kPrompt, kTokens);
            Prophet prophet;
            prophet.all = kPrompt;
            prophet.all.insert(prophet.all.end(), expected.tokens.begin(), expected.tokens.end());
            FakeRemote over = remote();
            ASSERT_TRUE(over.start().ok());
            std::size_t calls = 0;
            over.before = [&](std::size_t call) {
                calls = call;
                if (dies && (call == 5 || call == 8))
                    world.servers.at(over.layers().route()[call == 5 ? 1 : 0].address).kill();
            };
            EXPECT_EQ(write_text(world, over, kPrompt, kTokens, 0.0F, {&prophet, 4}), expected);
            EXPECT_LT(calls, 25U) << "several tokens came in one pass";
            EXPECT_EQ(over.layers().failovers(), dies ? 2U : 0U) << all_notes();
        }
    }
}

TEST_F(FailoverTest, AfterAFailureTheLayersBeginAnew) {
    world.add_server("a", {0, 5});
    options.wait_ms = 0;
    FakeRemote over = remote();
    ASSERT_TRUE(over.start().ok());
    over.before = [&](std::size_t call) {
        if (call == 5) world.servers.at("a").kill();
    };
    EXPECT_NE(write_text(world, over, kPrompt, 20).error, "");
    std::vector<float> hidden = world.some_states(1, 1);
    EXPECT_FALSE(over.forward(hidden).ok()) << "what it knows is not known";
    world.servers.clear();
    world.add_server("a", {0, 5});
    over.layers().truncate(0);
    over.before = nullptr;
    const Text again = write_text(world, over, kPrompt, 20);
    EXPECT_EQ(again.error, "");
    EXPECT_EQ(again, write_alone(world, kPrompt, 20));
}

}  // namespace
}  // namespace cairn::serve
