// Proves that whoever computes is held to the speed that he announces: a long text on a slow
// machine is waited for, a server that makes a sentence crawl is left for one that does not,
// however long that one takes to catch up, and kept where nobody is faster; and that a server that
// has become slower says so, and its owner hears which of its parts it was.
#include "serve/lateness.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/log_writer.h"
#include "serve/test_parts.h"
#include "serve/test_source.h"

namespace cairn::serve {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;

TEST(Lateness, IsWhatTheLastAnswersTookBeyondTheirTime) {
    EXPECT_EQ(allowed_us(100, 10), 40 * kSecond);
    EXPECT_EQ(allowed_us(100, 0), 0U) << "of whom it is not known nothing is taken as an excuse";
    EXPECT_EQ(allowed_us(std::uint64_t{1} << 29, 1), kMostAllowedUs);
    EXPECT_EQ(work_in_rows(work_for(3, 0, 64), 64), 3U);
    EXPECT_EQ(work_in_rows(work_for(3, 6 * 64, 64), 64), 6U) << "as much again for what it sees";
    Lateness lateness;
    for (int i = 0; i < 100; ++i) lateness.answered(kInTimeUs - 1);
    EXPECT_EQ(lateness.total_us(), 0U) << "trips differ";
    for (int i = 0; i < 100; ++i) lateness.answered(kSecond);
    EXPECT_EQ(lateness.total_us(), 7 * kSecond);
    lateness.answered(0);
    EXPECT_EQ(lateness.total_us(), 6 * kSecond);
    lateness.forget();
    EXPECT_EQ(lateness.total_us(), 0U);
}

struct SlowEncoder : ::testing::Test {
    model::TestEncoderDecoder both{model::encoder_decoder_families().back(),
                                   tensor::WeightType::kF32};
    TestWorld world{std::make_shared<const model::Model>(both.encoder)};
    static constexpr std::size_t kRows = 100;

    std::optional<FakeRemote> remote;

    /// A text over all servers, while for so long nothing is computed anywhere.
    Status encode_in(std::uint64_t ms) {
        RemoteOptions options;
        options.servers = world.addresses();
        options.max_positions = kRows;
        options.wait_ms = 2'000;
        remote.emplace(world, options);
        RETURN_IF_ERROR(remote->start());
        world.loop.hold_work(true);
        world.loop.call_after(ms, [this] { world.loop.hold_work(false); });
        States states = world.some_states(kRows, 1);
        return remote->forward(states);
    }
};

// 100 rows through two layers, of which it does one a second.
TEST_F(SlowEncoder, ALongTextIsWaitedFor) {
    for (const char* name : {"a", "b"}) world.add_server(name, {0, 2}, {.rows_per_s = 1});
    const Status encoded = encode_in(200'000);
    ASSERT_TRUE(encoded.ok()) << encoded.error().message;
    EXPECT_EQ(remote->layers().failovers(), 0U);
    std::size_t sessions = 0;
    for (const auto& [name, server] : world.servers) sessions += server.server->open_sessions();
    EXPECT_EQ(sessions, 1U) << "nobody else was asked to compute the same";
}

// The second half of the layers waits meanwhile for longer than sessions may be idle.
TEST_F(SlowEncoder, ALongTextIsWaitedForAtEachHop) {
    for (const std::uint32_t layer : {0U, 1U})
        world.add_server(layer == 0 ? "a" : "b", {layer, layer + 1}, {.rows_per_s = 1});
    const Status encoded = encode_in(150'000);
    EXPECT_TRUE(encoded.ok()) << encoded.error().message;
}

TEST_F(SlowEncoder, IsLostWhereItPromisedMore) {
    world.add_server("a", {0, 2}, {.rows_per_s = 100});
    const std::uint64_t began_us = world.clock.monotonic_us();
    const Status encoded = encode_in(200'000);
    ASSERT_FALSE(encoded.ok());
    EXPECT_NE(encoded.error().message.find("stalled"), std::string::npos);
    // 30 s, what its text and another's may take, and 2 s for somebody else to come.
    const std::uint64_t rows = 2 * kRows + world.snapshot.config.context;
    EXPECT_LT(world.clock.monotonic_us() - began_us, 40 * kSecond + allowed_us(2 * rows, 100));
}

struct Crawling : RemoteTextTest {
    std::optional<FakeRemote> over;

    /// Over servers that say they do 1,000 layer-rows a second; who of them is asked first.
    std::string start_over(const std::vector<std::string>& names) {
        for (const std::string& name : names) world.add_server(name, {0, 5}, {.rows_per_s = 1'000});
        over.emplace(world, over_all());
        const Status started = over->start();
        EXPECT_TRUE(started.ok());
        return started.ok() ? over->layers().route()[0].address : "";
    }
    /// How long a text took, which is the one that one process writes.
    std::uint64_t write_us(std::size_t tokens) {
        const Text expected = write_alone(world, kPrompt, tokens);
        const std::uint64_t began_us = world.clock.monotonic_us();
        EXPECT_EQ(write_text(world, *over, kPrompt, tokens), expected) << all_notes();
        return world.clock.monotonic_us() - began_us;
    }
    void delay_results(const std::string& address, std::function<std::uint64_t()> ms) {
        world.servers.at(address).network->delay_ms = [ms = std::move(ms)](MessageKind kind) {
            return kind == MessageKind::kResult ? ms() : 0;
        };
    }
    std::uint64_t sessions_at(const std::string& address) {
        return world.servers.at(address).server->open_sessions();
    }
};

// Each step takes less than would have another one asked beside it.
TEST_F(Crawling, AServerIsLeftForOneThatDoesNot) {
    const std::string slow = start_over({"a", "b"});
    delay_results(slow, [] { return 9'000; });
    EXPECT_LT(write_us(40), 30 * kSecond);
    EXPECT_EQ(over->layers().failovers(), 1U) << all_notes();
    EXPECT_NE(over->layers().route()[0].address, slow);
}

// Who could be faster has to read the text first, for which it takes longer than a step.
TEST_F(Crawling, AServerIsLeftAlsoIfTheOtherNeedsLongToCatchUp) {
    const std::string slow = start_over({"a", "b"});
    delay_results(slow, [] { return 11'000; });
    std::optional<std::uint64_t> has_read_us;
    world.servers.at(slow == "a" ? "b" : "a").network->delay_ms =
        [&](MessageKind kind) -> std::uint64_t {
        const std::uint64_t now_us = world.clock.monotonic_us();
        if (kind == MessageKind::kOpened) has_read_us.reset();
        if (kind != MessageKind::kResult) return 0;
        if (!has_read_us) has_read_us = now_us + 25 * kSecond;
        return std::max(now_us + 200'000, *has_read_us) / 1000 - now_us / 1000;
    };
    EXPECT_LT(write_us(40), 80 * kSecond) << all_notes();
    EXPECT_EQ(over->layers().failovers(), 1U) << all_notes();
    EXPECT_EQ(sessions_at(slow), 0U) << "it is closed";
}

// A step of 29 s, for ever, and nobody else: slow is better than nothing.
TEST_F(Crawling, AServerIsKeptWhereThereIsNoOther) {
    start_over({"a"});
    delay_results("a", [] { return 29'000; });
    const std::uint64_t before = world.client_network.dialled;
    write_us(10);
    EXPECT_EQ(over->layers().failovers(), 0U) << all_notes();
    EXPECT_EQ(std::ranges::count_if(
                  notes, [](const auto& note) { return note.find("late") != std::string::npos; }),
              1);
    EXPECT_LE(world.client_network.dialled - before, 40U) << "others are looked for now and then";
}

// Both are slower than they say, for a crowd is there: nobody is thrown back and forth.
TEST_F(Crawling, WhoIsNotTheSlowerOneIsKept) {
    const std::string first = start_over({"a", "b"});
    const std::string other = first == "a" ? "b" : "a";
    delay_results(first, [] { return 2'000; });
    delay_results(other, [] { return 2'500; });
    std::uint64_t opened = 0;
    world.servers.at(other).network->tamper = [&](MessageKind kind, Bytes&) {
        opened += kind == MessageKind::kOpened ? 1 : 0;
    };
    write_us(40);
    EXPECT_EQ(over->layers().failovers(), 0U) << all_notes();
    EXPECT_GE(opened, 1U);
    EXPECT_LE(opened, 3U) << "it is asked more and more seldom";
}

// The whole machine was stopped for a minute while a result was on its way.
TEST_F(Crawling, WhoWasStoppedHimselfCallsNobodyLate) {
    const std::string leader = start_over({"a", "b"});
    std::size_t results = 0;
    world.servers.at(leader).network->tamper = [&](MessageKind kind, Bytes&) {
        if (kind == MessageKind::kResult && ++results == 5) world.clock.advance_us(60 * kSecond);
    };
    delay_results(leader, [&] { return results == 5 ? 0 : 150; });
    write_us(20);
    EXPECT_EQ(all_notes().find("late"), std::string::npos) << all_notes();
}

// It says that it is fast, answers questions, and computes nothing; so does who is asked next.
TEST_F(Crawling, WhoPromisesMuchAndComputesNothingHoldsNobodyUpForLong) {
    for (const char* name : {"a", "b", "c"}) world.add_server(name, {0, 5}, {.rows_per_s = 9'000});
    ASSERT_NE(start_over({"d"}), "d");
    for (const char* name : {"a", "b", "c"})
        world.servers.at(name).network->swallow = MessageKind::kResult;
    EXPECT_LT(write_us(20), 32 * kSecond);
}

struct SlowServer : ::testing::Test {
    TestWorld world{small_model()};
    std::string log;

    SlowServer() {
        set_log_writer([this](const std::string& line) { log += line + "\n"; });
    }
    ~SlowServer() override { set_log_writer({}); }
};

TEST_F(SlowServer, WhatIsBeingComputedIsNotIdle) {
    world.add_server("a", {0, 5});
    RawPeer peer(world, "peer");
    ASSERT_TRUE(peer.open_at("a"));
    world.loop.hold_work(true);
    peer.send(MessageKind::kPush, encode(peer.push(0, world.some_states(3, 1))));
    world.loop.run_for(300'000);
    world.loop.hold_work(false);
    world.loop.run_for(10);
    EXPECT_EQ(peer.got.back().first, MessageKind::kResult) << peer.errors.back();
    world.loop.run_for(119'000);
    EXPECT_TRUE(peer.errors.empty());
    world.loop.run_for(3'000);
    ASSERT_FALSE(peer.errors.empty()) << "now it is";
    EXPECT_NE(peer.errors.back().find("expired"), std::string::npos);
}

TEST_F(SlowServer, SaysThatItHasBecomeSlower) {
    LayerServer& server = *world.add_server("a", {0, 5}, {.rows_per_s = 1'000}).server;
    RawPeer peer(world, "peer");
    ASSERT_TRUE(peer.open_at("a"));
    EXPECT_EQ(server.announce()->rows_per_s, 1'000U);
    const auto compute_slowly = [&](std::uint32_t position) {
        world.loop.hold_work(true);
        peer.send(MessageKind::kPush, encode(peer.push(position, world.some_states(4, 1))));
        world.loop.run_for(15'000);
        world.loop.hold_work(false);
        world.loop.run_for(1'000);
    };
    compute_slowly(0);
    EXPECT_EQ(server.announce()->rows_per_s, 1U) << "4 rows, 5 layers, 15 s";
    EXPECT_NE(log.find("layers 0-5: 1 layer-rows a second, not 1000 as before"), std::string::npos);
    for (std::uint32_t row = 4; row < 12; ++row) ASSERT_TRUE(peer.computes(row, 1));
    world.loop.run_for(1'000);
    EXPECT_EQ(server.announce()->rows_per_s, 1'000U);
    compute_slowly(12);
    EXPECT_EQ(server.announce()->rows_per_s, 1U);
    world.loop.run_for(61'000);
    EXPECT_EQ(server.announce()->rows_per_s, 1'000U) << "nobody comes who could show it";
}

// Every step of a layer takes just less than would have the part lost.
TEST_F(SlowServer, ItsOwnerHearsWhichPartItIs) {
    TestDivision division(world, {0, 5}, {1, 1});
    ASSERT_TRUE(division.layers->join().ok());
    division.layers->expect(1'000);
    LayerServer& server = *add_divided(world, "a", {0, 5}, division, {.rows_per_s = 1'000}).server;
    RawPeer peer(world, "peer");
    ASSERT_TRUE(peer.open_at("a"));
    ASSERT_TRUE(peer.computes(0, 3));
    EXPECT_EQ(log.find("part 2"), std::string::npos) << log;
    division.faults[0]->before_answer = [this] { world.clock.advance_us(29 * kSecond); };
    ASSERT_TRUE(peer.computes(3, 1));
    world.loop.run_for(1'000);
    EXPECT_EQ(server.announce()->rows_per_s, 1U);
    EXPECT_NE(log.find("part 2 of 2 (202 s late in its last steps)"), std::string::npos) << log;
    EXPECT_EQ(log.find("own share"), std::string::npos) << log;
}

}  // namespace
}  // namespace cairn::serve
