// Proves that a decoder with cross attention writes over servers, for any split of its layers and
// any types, the bits that it writes alone; that what it attends to is sent once to each server and
// again to one that takes over; that a server refuses every source but the one that the session was
// opened for; and that memory and coins are counted for it.
#include <gtest/gtest.h>

#include <limits>

#include "serve/test_paid.h"
#include "serve/test_source.h"

namespace cairn::serve {
namespace {

constexpr std::size_t kSource = 37;
constexpr std::size_t kTokens = 24;

using tensor::KvType;
using tensor::StateType;

struct SourceTest : ::testing::Test {
    SourceWorld made;
    TestWorld& world = made.world;
};

TEST_F(SourceTest, AnySplitWritesWhatOneProcessWrites) {
    for (const model::EncoderDecoderFamily& family : model::encoder_decoder_families()) {
        const std::uint32_t layers = family.decoder.layers;
        for (std::uint32_t cut = 1; cut <= layers; ++cut) {
            SourceWorld split(family);
            split.world.add_server("a", {0, cut});
            if (cut < layers) split.world.add_server("b", {cut, layers});
            FakeRemote over(split.world, split.remote(kSource));
            ASSERT_TRUE(over.start().ok());
            const Text text = write_text(split.world, over, kPrompt, kTokens);
            EXPECT_EQ(text.error, "");
            EXPECT_EQ(text, split.alone(kSource, kTokens)) << family.name << " cut at " << cut;
            // Another source gives another text, or these would prove nothing.
            EXPECT_NE(text, split.alone(kSource - 1, kTokens)) << family.name;
        }
    }
}

TEST_F(SourceTest, TypesOfStatesAndCachesAreThoseOfOneProcess) {
    world.add_server("a", {0, 1});
    world.add_server("b", {1, 3});
    const Text plain = made.alone(kSource, kTokens);
    for (const StateType wire : {StateType::kF32, StateType::kF16, StateType::kI8})
        for (const KvType kv : {KvType::kF32, KvType::kF16, KvType::kBf16}) {
            FakeRemote over(world, made.remote(kSource, wire, kv));
            ASSERT_TRUE(over.start().ok());
            const Text text = write_text(world, over, kPrompt, kTokens);
            EXPECT_EQ(text, made.alone(kSource, kTokens, wire, kv)) << text.error;
            EXPECT_EQ(text == plain, wire == StateType::kF32 && kv == KvType::kF32);
            over.layers().close();
        }
}

// 96 rows are several pushes; together with the text's they are computed once by each server.
TEST_F(SourceTest, TheSourceIsComputedOnceByEachServer) {
    constexpr std::size_t kLong = 96;
    FakeServer& a = world.add_server("a", {0, 1});
    FakeServer& b = world.add_server("b", {1, 3});
    FakeRemote over(world, made.remote(kLong));
    ASSERT_TRUE(over.start().ok());
    EXPECT_EQ(write_text(world, over, kPrompt, kTokens), made.alone(kLong, kTokens));
    const std::uint64_t rows = kLong + kPrompt.size() + kTokens - 1;
    EXPECT_EQ(a.server->tokens_computed(), rows);
    EXPECT_EQ(b.server->tokens_computed(), rows);
    // Another text to the same source, which is not sent again.
    ASSERT_TRUE(over.truncate(0).ok());
    EXPECT_EQ(write_text(world, over, kPrompt, 2), made.alone(kLong, 2));
    EXPECT_EQ(a.server->tokens_computed(), rows + kPrompt.size() + 1);
}

TEST_F(SourceTest, AServerThatTakesOverIsGivenTheSourceAgain) {
    world.add_server("a", {0, 1});
    world.add_server("b", {1, 3});
    world.add_server("c", {1, 3});
    const Text expected = made.alone(kSource, kTokens);
    for (const std::size_t lost_at : {0U, 1U, 12U}) {
        FakeRemote over(world, made.remote(kSource));
        ASSERT_TRUE(over.start().ok());
        const std::string lost = over.layers().route()[1].address;
        over.before = [&](std::size_t call) {
            if (call == lost_at) world.servers.at(lost).kill();
        };
        EXPECT_EQ(write_text(world, over, kPrompt, kTokens), expected) << lost_at;
        EXPECT_EQ(over.layers().failovers(), 1U) << lost_at;
        over.layers().close();
        world.add_server(lost, {1, 3});
    }
}

TEST_F(SourceTest, SeveralServersTakeTheStageOfOne) {
    world.add_server("a", {0, 1});
    world.add_server("b", {1, 3});
    const Text expected = made.alone(kSource, kTokens);
    RemoteOptions options = made.remote(kSource);
    options.servers = {"a", "b", "c", "d"};
    for (const bool keeps : {true, false}) {
        if (!keeps) options.max_kept_bytes = 1;  // the second stage is rebuilt with the first
        FakeRemote over(world, options);
        ASSERT_TRUE(over.start().ok());
        over.before = [&](std::size_t call) {
            if (call != 12) return;
            world.add_server("c", {1, 2});
            world.add_server("d", {2, 3});
            world.servers.at("b").kill();
        };
        EXPECT_EQ(write_text(world, over, kPrompt, kTokens), expected) << keeps;
        EXPECT_EQ(over.layers().route().size(), 3U);
        over.layers().close();
        world.servers.at("c").kill();
        world.servers.at("d").kill();
        world.add_server("b", {1, 3});
    }
}

TEST_F(SourceTest, AStandbyHasReadTheSource) {
    for (const char* name : {"a", "b"}) world.add_server(name, {0, 3});
    RemoteOptions options = made.remote(kSource);
    options.standbys = 1;
    FakeRemote over(world, options);
    ASSERT_TRUE(over.start().ok());
    over.before = [&](std::size_t call) {
        if (call == 20) world.servers.at(over.layers().route()[0].address).kill();
    };
    EXPECT_EQ(write_text(world, over, kPrompt, kTokens), made.alone(kSource, kTokens));
    EXPECT_EQ(over.layers().failovers(), 1U);
}

TEST_F(SourceTest, GuessesAreTakenBackToTheTextAndNotIntoTheSource) {
    world.add_server("a", {0, 2});
    world.add_server("b", {2, 3});
    const Text expected = made.alone(kSource, kTokens);
    Prophet prophet;
    prophet.all = kPrompt;
    prophet.all.insert(prophet.all.end(), expected.tokens.begin(), expected.tokens.end());
    FakeRemote over(world, made.remote(kSource));
    ASSERT_TRUE(over.start().ok());
    EXPECT_EQ(write_text(world, over, kPrompt, kTokens, 0.0F, {&prophet, 4}), expected);
}

TEST_F(SourceTest, ASourceThatIsNotFiniteIsNotSent) {
    world.add_server("a", {0, 3});
    RemoteOptions options = made.remote(kSource);
    options.source[5] = std::numeric_limits<float>::infinity();
    FakeRemote over(world, options);
    EXPECT_EQ(over.start().error().code, ErrorCode::kInvalid);
}

// What a peer may send that is no honest client.
struct RawSource : RawPeer {
    using RawPeer::RawPeer;
    std::string open_with(std::uint32_t source_rows, KvType kv = KvType::kF32,
                          std::uint32_t positions = 20, model::LayerRange layers = {0, 3}) {
        if (peer == 0) network.connect("a");
        world.loop.run_for(10);
        terms = {.session = world.random.hash256(),
                 .model = world.snapshot.hash,
                 .kv = kv,
                 .max_positions = positions,
                 .source_rows = source_rows};
        errors.clear();
        send(MessageKind::kOpenSession, encode(OpenSession{terms, layers}));
        return errors.empty() ? "" : errors.back();
    }
    std::string push_rows(std::uint32_t position, std::size_t rows, bool quiet) {
        Push message = push(position, world.some_states(rows, 1));
        message.quiet = quiet;
        return push_this(message);
    }
    std::string push_this(const Push& message) {
        errors.clear();
        send(MessageKind::kPush, encode(message));
        return errors.empty() ? "" : errors.back();
    }
};

bool has(const std::string& text, const std::string& words) {
    return text.find(words) != std::string::npos;
}

TEST_F(SourceTest, ASessionIsOpenedWithASourceThatTheLayersCanAttendTo) {
    world.add_server("a", {0, 3});
    RawSource peer(world, "peer");
    EXPECT_TRUE(has(peer.open_with(0), "bad request: this model's layers attend to another text"));
    EXPECT_TRUE(has(peer.open_with(101), "1 to 100 rows: not of 101"));
    EXPECT_TRUE(has(peer.open_with(5, KvType::kDigits), "unsupported: cross attention"));
    EXPECT_TRUE(has(peer.open_with(5, KvType::kF32, 0), "bad request: positions"));
    EXPECT_EQ(peer.open_with(100), "");
    EXPECT_EQ(peer.open_with(1), "");

    TestWorld plain(small_model());
    plain.add_server("a", {0, 5});
    RawSource other(plain, "peer");
    EXPECT_TRUE(has(other.open_with(5), "bad request: this model's layers attend to no other"));
    EXPECT_EQ(other.open_with(0), "");
}

TEST_F(SourceTest, RowsOfTheSourceComeFirstAndApart) {
    world.add_server("a", {0, 3});
    RawSource peer(world, "peer");
    const std::string apart = "bad request: the first 10 positions are the source's";
    ASSERT_EQ(peer.open_with(10), "");
    EXPECT_TRUE(has(peer.push_rows(0, 10, false), apart));
    ASSERT_EQ(peer.open_with(10), "");
    EXPECT_TRUE(has(peer.push_rows(0, 11, true), apart));
    ASSERT_EQ(peer.open_with(10), "");
    EXPECT_TRUE(has(peer.push_rows(10, 1, false), "expected 0"));
    ASSERT_EQ(peer.open_with(10), "");
    EXPECT_EQ(peer.push_rows(0, 4, true), "");
    EXPECT_TRUE(has(peer.push_rows(4, 7, true), apart));
    ASSERT_EQ(peer.open_with(10), "");
    Push wide = peer.push(0, world.some_states(4, 1));
    wide.quiet = true;
    wide.tokens = 8;  // rows half as wide
    EXPECT_TRUE(has(peer.push_this(wide), "64 wide"));
    ASSERT_EQ(peer.open_with(10), "");
    Push wrong = peer.push(0, world.some_states(4, 1));
    wrong.quiet = true;
    wrong.states[7] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_TRUE(has(peer.push_this(wrong), "not finite"));
    // 10 of the source and 20 of the text.
    ASSERT_EQ(peer.open_with(10), "");
    EXPECT_EQ(peer.push_rows(0, 10, true), "");
    EXPECT_EQ(peer.push_rows(10, 20, false), "");
    EXPECT_TRUE(has(peer.push_rows(30, 1, false), "opened for 30 positions"));
}

// A source may be sent anew, which takes back what was computed with the old one.
TEST_F(SourceTest, ASourceThatIsSentAnewCounts) {
    world.add_server("a", {0, 3});
    RawSource peer(world, "peer");
    const auto answer = [&](const States& source) {
        Push rows = peer.push(0, source);
        rows.quiet = true;
        EXPECT_EQ(peer.push_this(rows), "");
        EXPECT_EQ(peer.push_rows(12, 3, false), "");
        return decode_result(peer.got.back().second).value().push.states;
    };
    const States first = world.some_states(12, 5);
    States second = first;
    second[3] += 1;
    ASSERT_EQ(peer.open_with(12), "");
    const States of_first = answer(first);
    const States of_second = answer(second);
    EXPECT_NE(of_first, of_second);
    EXPECT_EQ(answer(first), of_first);
    ASSERT_EQ(peer.open_with(12), "");
    EXPECT_EQ(answer(second), of_second);
    // The same in pieces of any size.
    ASSERT_EQ(peer.open_with(12), "");
    const std::size_t dim = world.snapshot.config.dim;
    for (const auto& [from, rows] : {std::pair<std::uint32_t, std::size_t>{0, 5}, {5, 1}, {6, 6}}) {
        Push piece =
            peer.push(from, {second.begin() + static_cast<std::ptrdiff_t>(from * dim),
                             second.begin() + static_cast<std::ptrdiff_t>((from + rows) * dim)});
        piece.quiet = true;
        EXPECT_EQ(peer.push_this(piece), "");
    }
    EXPECT_EQ(peer.push_rows(12, 3, false), "");
    EXPECT_EQ(decode_result(peer.got.back().second).value().push.states, of_second);
}

TEST_F(SourceTest, MemoryIsCountedForTheSourceToo) {
    LayerServerOptions options;
    options.max_sessions = 100'000;  // so that no session counts for more than it holds
    FakeServer& a = world.add_server("a", {0, 3}, options);
    RawSource peer(world, "peer");
    ASSERT_EQ(peer.open_with(1), "");
    const std::uint64_t one = a.server->session_bytes();
    ASSERT_EQ(peer.open_with(100), "");
    const std::uint64_t row = model::kv_cache_bytes(world.snapshot.config, {0, 3}, 1, KvType::kF32);
    EXPECT_EQ(a.server->session_bytes() - 2 * one, 99 * (row + sizeof(Hash256)));
}

struct PaidSource : PaidSessionTest {
    PaidSource()
        : PaidSessionTest(std::make_shared<const model::Model>(
              model::TestEncoderDecoder(model::encoder_decoder_families().back(),
                                        tensor::WeightType::kF32)
                  .decoder)) {}
};

TEST_F(PaidSource, RowsOfTheSourceCostWhatOthersCost) {
    add_paid("a", {0, 3});
    add_paid("b", {0, 3});
    const auto to_a = open_channel("a");
    const auto to_b = open_channel("b");
    RemoteOptions options = remote();
    options.source = world.some_states(kSource, 9);
    FakeRemote over(world, options);
    ASSERT_TRUE(over.start().ok());
    const bool first_is_a = over.layers().route()[0].address == "a";
    States rows = world.some_states(20, 3);
    ASSERT_TRUE(over.forward(rows).ok());
    const std::uint64_t price = row_price(kPrice, {0, 3});
    const auto counted = [&](bool of_first) {
        world.loop.run_for(10);
        const bool is_a = first_is_a == of_first;
        return payee_record(is_a ? "a" : "b", is_a ? to_a : to_b).counted;
    };
    // Whoever takes over is paid for reading it, too.
    world.servers.at(first_is_a ? "a" : "b").kill();
    ASSERT_TRUE(over.forward(rows).ok());
    over.layers().close();
    EXPECT_EQ(counted(false), (kSource + 40) * price);
    EXPECT_GE(counted(true), (kSource + 20) * price);
}

// What it has not read it cannot be shown to have not read, before a row of the text is compared.
TEST_F(PaidSource, WhoIsPaidForASourceAndLeavesIsHiredTwiceAtMost) {
    for (const char* name : {"a", "b"}) {
        add_paid(name, {0, 3});
        open_channel(name);
    }
    RemoteOptions options = remote();
    options.source = world.some_states(kSource, 9);
    options.standbys = 1;
    FakeRemote over(world, options);
    ASSERT_TRUE(over.start().ok());
    const std::string standby = over.layers().route()[0].address == "a" ? "b" : "a";
    int hired = 0;
    std::size_t answers = 0;
    const std::function<void()> watch = [&] {
        world.servers.at(standby).network->tamper = [&](MessageKind kind, Bytes&) {
            if (kind == MessageKind::kOpened) {
                ++hired;
                answers = 0;
            }
            // A standby is sent 16 rows at once: it goes with the last of the source's whole ones,
            // and comes back.
            if (kind != MessageKind::kResult || ++answers != kSource / 16) return;
            world.loop.post([&] {
                world.servers.at(standby).kill();
                world.loop.call_after(1'000, [&] {
                    add_paid(standby, {0, 3});
                    watch();
                });
            });
        };
    };
    watch();
    States row = world.some_states(1, 3);
    for (int i = 0; i < 6; ++i) {
        ASSERT_TRUE(over.forward(row).ok());
        world.loop.run_for(11'000);  // after which standbys are looked for again
    }
    EXPECT_EQ(hired, 2);
    EXPECT_EQ(over.layers().failovers(), 0U);
}

}  // namespace
}  // namespace cairn::serve
