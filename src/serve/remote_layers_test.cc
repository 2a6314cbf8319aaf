// Proves that text written over several servers has the tokens and the bits of every logit of text
// written alone, also when a server dies, stalls or lies in mid-sentence and another takes over;
// and that the error names the hop where no other can.
#include "serve/remote_layers.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/test_data.h"
#include "formats/llama2c.h"
#include "formats/load.h"
#include "serve/test_text.h"

namespace cairn::serve {
namespace {

struct RemoteLayersTest : ::testing::Test {
    ClientOptions quick{.discover_ms = 1000,
                        .session = {.open_ms = 1000, .push_ms = 5000, .silence_ms = 3000}};
    TestWorld world{small_model(), quick};

    RemoteOptions options() {
        return {.servers = world.addresses(),
                .max_positions = world.snapshot.config.context,
                .wait_ms = 2'000,
                .note = {}};
    }
};

TEST_F(RemoteLayersTest, WritesTheSameTextAsOneProcess) {
    world.add_server("a", {0, 2});
    world.add_server("b", {2, 4});
    world.add_server("c", {4, 5});
    for (const float temperature : {0.0F, 1.0F}) {
        FakeRemote remote(world, options());
        ASSERT_TRUE(remote.start().ok());
        EXPECT_EQ(remote.layers().route().size(), 3U);
        const Text text = write_text(world, remote, kPrompt, 40, temperature);
        EXPECT_EQ(text.error, "");
        EXPECT_EQ(text.tokens.size(), 40U);
        EXPECT_EQ(text, write_alone(world, kPrompt, 40, temperature));
    }
}

TEST_F(RemoteLayersTest, WhatIsRefusedLeavesTheSequenceAsItWas) {
    world.add_server("a", {0, 5});
    FakeRemote refused(world, options());
    FakeRemote asked(world, options());
    ASSERT_TRUE(refused.start().ok());
    ASSERT_TRUE(asked.start().ok());
    std::vector<float> first = world.some_states(3, 1);
    std::vector<float> expected = first;
    ASSERT_TRUE(asked.forward(expected).ok());
    ASSERT_TRUE(refused.forward(first).ok());
    std::vector<float> many = world.some_states(world.snapshot.config.context, 2);
    EXPECT_EQ(refused.forward(many).error().code, ErrorCode::kInvalid);
    std::vector<float> bad = world.some_states(1, 2);
    bad[1] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_FALSE(refused.forward(bad).ok());
    EXPECT_EQ(refused.layers().positions(), 3U);
    std::vector<float> next = world.some_states(1, 3);
    std::vector<float> after = next;
    ASSERT_TRUE(asked.forward(after).ok());
    ASSERT_TRUE(refused.forward(next).ok());
    EXPECT_EQ(next, after);
}

TEST_F(RemoteLayersTest, OneTripToEachHopPerToken) {
    world.add_server("a", {0, 2});
    world.add_server("b", {2, 5});
    FakeRemote remote(world, options());
    ASSERT_TRUE(remote.start().ok());
    std::vector<float> hidden = world.some_states(1, 1);
    const std::uint64_t before = world.wire.messages;
    ASSERT_TRUE(remote.forward(hidden).ok());
    EXPECT_EQ(world.wire.messages - before, 4U);
}

TEST_F(RemoteLayersTest, GoesOnTokenForTokenWhenAServerDies) {
    world.add_server("a", {0, 2});
    world.add_server("b", {2, 5});
    world.add_server("c", {2, 5});
    const Text expected = write_alone(world, kPrompt, 40);
    FakeRemote remote(world, options());
    ASSERT_TRUE(remote.start().ok());
    const std::string second = remote.layers().route()[1].address;
    remote.before = [&](std::size_t call) {
        if (call == 20) world.servers.at(second).kill();
    };
    EXPECT_EQ(write_text(world, remote, kPrompt, 40), expected);
    EXPECT_EQ(remote.layers().failovers(), 1U);
    EXPECT_NE(remote.layers().route()[1].address, second);
    EXPECT_EQ(world.servers.at("a").server->open_sessions(), 1U);
}

TEST_F(RemoteLayersTest, GoesOnWhenAServerDiesDuringPrefillAndAgainLater) {
    for (const char* name : {"a", "b", "c"}) world.add_server(name, {0, 5});
    const Text expected = write_alone(world, kPrompt, 30);
    FakeRemote remote(world, options());
    ASSERT_TRUE(remote.start().ok());
    remote.before = [&](std::size_t call) {
        if (call == 1 || call == 12) world.servers.at(remote.layers().route()[0].address).kill();
    };
    EXPECT_EQ(write_text(world, remote, kPrompt, 30), expected);
    EXPECT_EQ(remote.layers().failovers(), 2U);
}

TEST_F(RemoteLayersTest, NamesTheHopThatDiedWhereNobodyCanTakeItsPlace) {
    world.add_server("a", {0, 2});
    world.add_server("b", {2, 5});
    FakeRemote remote(world, options());
    ASSERT_TRUE(remote.start().ok());
    remote.before = [&](std::size_t call) {
        if (call == 10) world.servers.at("b").kill();
    };
    const Text text = write_text(world, remote, kPrompt, 40);
    EXPECT_NE(text.error.find("hop 2 of 2 (b, layers 2-5) was lost"), std::string::npos)
        << text.error;
    EXPECT_NE(text.error.find("nobody can take its place: no server holds layers 2-5"),
              std::string::npos)
        << text.error;
}

TEST_F(RemoteLayersTest, NamesTheHopThatStalls) {
    world.add_server("a", {0, 2});
    world.add_server("b", {2, 5});
    {
        FakeRemote remote(world, options());
        ASSERT_TRUE(remote.start().ok());
        // Everything to b vanishes, but its connection stands.
        remote.before = [&](std::size_t call) {
            if (call == 10) world.wire.frozen.insert("b");
        };
        const Text text = write_text(world, remote, kPrompt, 40);
        EXPECT_NE(text.error.find("hop 2 of 2 (b, layers 2-5) is silent"), std::string::npos)
            << text.error;
    }
    world.wire.frozen.clear();
    {
        // Computation hangs at both, but they answer questions, so they are given the whole time.
        FakeRemote remote(world, options());
        ASSERT_TRUE(remote.start().ok());
        remote.before = [&](std::size_t call) { world.loop.hold_work(call >= 10); };
        const std::uint64_t before_us = world.clock.monotonic_us();
        const Text text = write_text(world, remote, kPrompt, 40);
        world.loop.hold_work(false);
        EXPECT_NE(text.error.find("hop 1 of 2 (a, layers 0-2) stalled: no result for"),
                  std::string::npos)
            << text.error;
        EXPECT_NE(text.error.find("it says that it has computed 32 of 33 rows"), std::string::npos)
            << text.error;
        EXPECT_GE(world.clock.monotonic_us() - before_us, 5'000'000U);
    }
    // b computes, but its answers are empty.
    FakeRemote remote(world, options());
    ASSERT_TRUE(remote.start().ok());
    world.servers.at("b").network->tamper = [](MessageKind kind, Bytes& body) {
        if (kind == MessageKind::kResult) body.clear();
    };
    const Text text = write_text(world, remote, kPrompt, 40);
    EXPECT_NE(text.error.find("hop 2 of 2 (b, layers 2-5) stalled"), std::string::npos)
        << text.error;
}

TEST_F(RemoteLayersTest, AStalledHopIsReplacedAndNotAskedAgain) {
    world.add_server("a", {0, 5});
    world.add_server("b", {0, 5});
    const Text expected = write_alone(world, kPrompt, 30);
    FakeRemote remote(world, options());
    ASSERT_TRUE(remote.start().ok());
    remote.before = [&](std::size_t call) {
        if (call == 10) world.wire.frozen.insert(remote.layers().route()[0].address);
    };
    EXPECT_EQ(write_text(world, remote, kPrompt, 30), expected);
    EXPECT_EQ(remote.layers().failovers(), 1U);
}

TEST_F(RemoteLayersTest, AResultThatDoesNotFitItsReceiptSpeaksAgainstItsSender) {
    world.add_server("a", {0, 2});
    world.add_server("b", {2, 5});
    for (const std::string liar : {"a", "b"}) {
        world.servers.at(liar).network->tamper = [](MessageKind kind, Bytes& body) {
            if (kind == MessageKind::kResult) body.back() ^= 1;
        };
        FakeRemote remote(world, options());
        ASSERT_TRUE(remote.start().ok());
        const Text text = write_text(world, remote, kPrompt, 5);
        const std::string hop =
            liar == "a" ? "hop 1 of 2 (a, layers 0-2)" : "hop 2 of 2 (b, layers 2-5)";
        EXPECT_NE(text.error.find(hop + " sent a bad receipt"), std::string::npos) << text.error;
        world.servers.at(liar).network->tamper = nullptr;
    }
}

TEST_F(RemoteLayersTest, AFullServerSaysSoAndAnotherIsTaken) {
    LayerServerOptions one;
    one.max_sessions = 1;
    world.add_server("a", {0, 5}, one);
    world.add_server("b", {0, 5}, one);
    const Text expected = write_alone(world, kPrompt, 10);
    FakeRemote first(world, options());
    FakeRemote second(world, options());
    FakeRemote third(world, options());
    ASSERT_TRUE(first.start().ok());
    ASSERT_TRUE(second.start().ok());
    EXPECT_NE(first.layers().route()[0].address, second.layers().route()[0].address);
    const Status full = third.start();
    ASSERT_FALSE(full.ok());
    EXPECT_NE(full.error().message.find("refused (busy): all of this server's memory is held"),
              std::string::npos)
        << full.error().message;
    // A session that rests yields in time, and its owner finds a place again when he goes on.
    EXPECT_EQ(write_text(world, first, kPrompt, 10), expected);
    EXPECT_EQ(write_text(world, second, kPrompt, 10), expected);
    world.loop.run_for(11'000);
    ASSERT_TRUE(third.start().ok());
    EXPECT_EQ(write_text(world, third, kPrompt, 10), expected);
}

TEST_F(RemoteLayersTest, SaysWhichLayersNobodyHolds) {
    world.add_server("a", {0, 2});
    RemoteOptions asked = options();
    asked.servers.push_back("nowhere");
    FakeRemote remote(world, asked);
    const Status status = remote.start();
    ASSERT_FALSE(status.ok());
    EXPECT_NE(status.error().message.find("no server holds layers 2-5"), std::string::npos);
    EXPECT_NE(status.error().message.find("nowhere cannot be reached"), std::string::npos)
        << status.error().message;
}

// The real thing: a trained model, against the text that two other programs agree on.
TEST(RemoteStories, SplitOverTwoAndThreeServersWritesTheSameStory) {
    const std::string file = test_data_folder() + "/stories260K/stories260K.bin";
    auto loaded = formats::load_any(file);
    if (!loaded.ok()) GTEST_SKIP() << "no stories260K: set CAIRN_TEST_DATA";
    TestWorld world(std::make_shared<const model::Model>(std::move(loaded->model)));
    const Text expected = write_alone(world, {1}, 120);
    ASSERT_EQ(expected.error, "");
    for (const auto& split : std::vector<std::vector<std::uint32_t>>{{0, 3, 5}, {0, 1, 4, 5}}) {
        world.servers.clear();
        world.loop.run_for(1);
        for (std::size_t i = 0; i + 1 < split.size(); ++i)
            world.add_server("s" + std::to_string(i), {split[i], split[i + 1]});
        FakeRemote remote(world, {.servers = world.addresses(),
                                  .max_positions = world.snapshot.config.context,
                                  .note = {}});
        ASSERT_TRUE(remote.start().ok());
        EXPECT_EQ(remote.layers().route().size(), split.size() - 1);
        EXPECT_EQ(write_text(world, remote, {1}, 120), expected);
    }
}

}  // namespace
}  // namespace cairn::serve
