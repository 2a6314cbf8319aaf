// Circuits that are passed on: between whom, how many, how fast, and what ends them.
#include "net/relay.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"

namespace cairn::net {
namespace {

/// Time passes when the test says so.
struct ManualLoop final : Loop {
    void post(std::function<void()> task) override { call_after(0, std::move(task)); }
    TimerId call_after(std::uint64_t delay_ms, std::function<void()> task) override {
        timers[{now + delay_ms, ++last}] = std::move(task);
        return last;
    }
    void cancel(TimerId id) override {
        std::erase_if(timers, [id](const auto& entry) { return entry.first.second == id; });
    }
    void offload(Lane, std::function<void()>, std::function<void()>) override {}
    void pass(std::uint64_t ms) {
        const std::uint64_t end = now + ms;
        while (!timers.empty() && timers.begin()->first.first <= end) {
            now = timers.begin()->first.first;
            const auto task = std::move(timers.begin()->second);
            timers.erase(timers.begin());
            task();
        }
        now = end;
    }

    std::map<std::pair<std::uint64_t, TimerId>, std::function<void()>> timers;
    std::uint64_t now = 0;
    TimerId last = 0;
};

class RelayTest : public testing::Test {
  protected:
    struct Said {
        PeerId to;
        RelayKind kind;
        Bytes body;
    };
    static constexpr PeerId kOpener = 1, kTarget = 2, kOther = 3, kFourth = 4;

    void start(RelayOptions options) {
        for (const PeerId peer : {kOpener, kTarget, kOther, kFourth}) keys[peer] = random.hash256();
        relay.emplace(
            loop, options,
            [this](PeerId to, RelayKind kind, ByteView body) {
                said.push_back({to, kind, Bytes(body.begin(), body.end())});
                return !deaf.contains(to);
            },
            [this](const crypto::PublicKey& key) -> PeerId {
                for (const auto& [peer, its] : keys)
                    if (its == key) return peer;
                return 0;
            },
            [this](PeerId peer) { return groups[peer]; });
        relay->on_offer(kTarget);
        said.clear();
    }
    static RelayOptions few() {
        RelayOptions options;
        options.max_circuits = 3;
        options.max_per_opener = 2;
        return options;
    }
    /// Opens a circuit; its number at the target, 0 if it was refused.
    std::uint32_t open(PeerId from, std::uint32_t number) {
        said.clear();
        relay->on_open(from, keys[from], {number, keys[kTarget]});
        if (said.size() != 1 || said[0].kind != RelayKind::kIncoming) return 0;
        EXPECT_EQ(said[0].to, kTarget);
        const auto incoming = decode_circuit_key(said[0].body);
        EXPECT_EQ(incoming->key, keys[from]) << "the target is told who opens";
        EXPECT_TRUE(relay->on_accepted(kTarget, {true, incoming->number}));
        said.clear();
        return incoming->number;
    }
    bool data(PeerId from, CircuitId id, std::size_t size) {
        CircuitData message{id, Bytes(size, 7)};
        return relay->on_data(from, message);
    }
    std::size_t sent_to(PeerId peer) {
        std::size_t sum = 0;
        for (const Said& message : said)
            if (message.to == peer && message.kind == RelayKind::kData)
                sum += decode_circuit_data(message.body)->bytes.size();
        return sum;
    }
    std::size_t heard(PeerId peer, RelayKind kind) {
        return static_cast<std::size_t>(std::ranges::count_if(
            said, [&](const Said& message) { return message.to == peer && message.kind == kind; }));
    }
    std::size_t closed(PeerId peer) { return heard(peer, RelayKind::kClosed); }

    ManualLoop loop;
    SeededRandom random{1};
    std::map<PeerId, crypto::PublicKey> keys;
    std::map<PeerId, std::string> groups;
    std::set<PeerId> deaf;
    std::vector<Said> said;
    std::optional<Relay> relay;
};

TEST_F(RelayTest, PassesBytesOnBetweenTwoPeersThatAreLinkedWithIt) {
    start(few());
    const std::uint32_t there = open(kOpener, 5);
    ASSERT_NE(there, 0u);
    EXPECT_TRUE(data(kOpener, {false, 5}, 100));
    ASSERT_EQ(said.size(), 1u);
    EXPECT_EQ(said[0].to, kTarget);
    EXPECT_EQ(decode_circuit_data(said[0].body)->id, (CircuitId{false, there})) << "ours";
    EXPECT_TRUE(data(kTarget, {true, there}, 50));
    EXPECT_EQ(said[1].to, kOpener);
    EXPECT_EQ(decode_circuit_data(said[1].body)->id, (CircuitId{true, 5})) << "the opener's";
    EXPECT_TRUE(relay->on_taken(kTarget, {{true, there}, 100}));
    loop.pass(50);
    ASSERT_EQ(said.size(), 3u);
    EXPECT_EQ(said[2].to, kOpener);
    EXPECT_EQ(*decode_circuit_taken(said[2].body), (CircuitTaken{{true, 5}, 100}));
    EXPECT_FALSE(data(kOther, {false, 5}, 1)) << "nobody else's";
}

// No open proxy: whom nobody offered for is not found, whether he is linked or not, and nothing is
// ever dialled.
TEST_F(RelayTest, LeadsNowhereButToPeersThatOfferedToTakeLinks) {
    start(few());
    relay->on_open(kOpener, keys[kOpener], {1, keys[kOther]});
    relay->on_open(kOpener, keys[kOpener], {2, random.hash256()});
    ASSERT_EQ(said.size(), 2u);
    EXPECT_EQ(closed(kOpener), 2u);
    EXPECT_EQ(decode_circuit_closed(said[0].body)->reason,
              decode_circuit_closed(said[1].body)->reason)
        << "nobody learns who else is linked";
    relay->on_open(kTarget, keys[kTarget], {3, keys[kTarget]});
    EXPECT_EQ(closed(kTarget), 1u);
    relay->on_peer_down(kTarget);
    EXPECT_EQ(open(kOpener, 4), 0u) << "an offer ends with its link";
    EXPECT_EQ(relay->circuits(), 0u);
}

TEST_F(RelayTest, PassesNothingOnUnlessItIsTo) {
    start({});
    relay->on_offer(kTarget);
    EXPECT_EQ(said[0].body, Bytes(1, 0));
    EXPECT_EQ(open(kOpener, 1), 0u);
    EXPECT_EQ(closed(kOpener), 1u);
}

TEST_F(RelayTest, AFloodOfCircuitsTakesNoMorePlacesThanThereAre) {
    start(few());
    for (std::uint32_t i = 1; i <= 1000; ++i) relay->on_open(kOpener, keys[kOpener], {i, keys[2]});
    EXPECT_EQ(relay->circuits(), 2u) << "of one opener";
    for (std::uint32_t i = 1; i <= 1000; ++i) relay->on_open(kOther, keys[kOther], {i, keys[2]});
    EXPECT_EQ(relay->circuits(), 3u) << "of all";
    loop.pass(11'000);
    EXPECT_EQ(relay->circuits(), 0u) << "nobody accepted them";
    EXPECT_TRUE(loop.timers.empty()) << "nothing ticks while there is nothing to do";
    EXPECT_NE(open(kOpener, 2000), 0u);
}

TEST_F(RelayTest, KeepsTheRateAndSharesItEvenly) {
    RelayOptions options = few();
    options.bytes_per_s = 200'000;
    start(options);
    const std::uint32_t one = open(kOpener, 1);
    const std::uint32_t two = open(kOther, 1);
    std::map<std::uint32_t, std::size_t> passed;
    for (int second = 0; second < 5; ++second) {
        said.clear();
        for (int i = 0; i < 8; ++i) {  // 240 kB, which is more than may pass in a second
            data(kOpener, {false, 1}, 15'000);
            data(kOther, {false, 1}, 15'000);
        }
        loop.pass(1'000);
        const std::vector<Said> heard = std::move(said);
        for (const Said& message : heard) {
            if (message.kind != RelayKind::kData) continue;
            const auto piece = decode_circuit_data(message.body);
            passed[piece->id.number] += piece->bytes.size();
            relay->on_taken(kTarget, {{true, piece->id.number}, 15'000});
        }
    }
    ASSERT_EQ(relay->circuits(), 2u);
    const std::size_t all = passed[one] + passed[two];
    EXPECT_LT(all, 5 * 200'000u + 30'000u);
    EXPECT_GT(all, 5 * 200'000u - 30'000u);
    EXPECT_NEAR(static_cast<double>(passed[one]), static_cast<double>(passed[two]), 30'000.0);
}

TEST_F(RelayTest, HoldsNoMoreThanTheWindowOfACircuit) {
    RelayOptions options = few();
    options.bytes_per_s = 1;
    start(options);
    open(kOpener, 1);
    for (std::size_t sent = 0; sent + kMaxCircuitPiece <= kCircuitWindow; sent += kMaxCircuitPiece)
        ASSERT_TRUE(data(kOpener, {false, 1}, kMaxCircuitPiece));
    EXPECT_EQ(relay->circuits(), 1u);
    EXPECT_LE(relay->held_bytes(), kCircuitWindow);
    data(kOpener, {false, 1}, 1);
    EXPECT_EQ(relay->circuits(), 0u) << "who sends more than may be under way is cut";
    EXPECT_EQ(closed(kOpener), 1u);
    EXPECT_EQ(closed(kTarget), 1u);
}

TEST_F(RelayTest, CutsWhoTakesWhatWasNotSentAndWhoSendsBeforeItIsAccepted) {
    start(few());
    const std::uint32_t there = open(kOpener, 1);
    data(kOpener, {false, 1}, 100);
    relay->on_taken(kTarget, {{true, there}, 101});
    EXPECT_EQ(relay->circuits(), 0u);
    relay->on_open(kOpener, keys[kOpener], {2, keys[kTarget]});
    data(kOpener, {false, 2}, 1);
    EXPECT_EQ(relay->circuits(), 0u);
}

TEST_F(RelayTest, EndsWithItsEndsAndWithSilence) {
    start(few());
    open(kOpener, 1);
    relay->on_peer_down(kOpener);
    EXPECT_EQ(closed(kTarget), 1u);
    open(kOther, 1);
    loop.pass(80'000);
    EXPECT_EQ(relay->circuits(), 1u);
    loop.pass(20'000);
    EXPECT_EQ(relay->circuits(), 0u);
    const std::uint32_t there = open(kOther, 2);
    relay->on_closed(kTarget, {{true, there}, "enough"});
    ASSERT_EQ(closed(kOther), 1u);
    EXPECT_EQ(closed(kTarget), 0u) << "an answer would end the next circuit of that number";
    deaf.insert(kTarget);
    EXPECT_EQ(open(kOther, 3), 0u) << "the target's queue is full";
    EXPECT_EQ(relay->circuits(), 0u);
}

// A window of pieces of one byte each took seventy times its bytes, here and on the way on.
TEST_F(RelayTest, ManySmallPiecesCostNoMoreThanLargeOnes) {
    RelayOptions options = few();
    options.bytes_per_s = 20'000;
    start(options);
    open(kOpener, 1);
    for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(data(kOpener, {false, 1}, 1));
    EXPECT_LE(heard(kTarget, RelayKind::kData), 20u) << "more than the rate, with what they cost";
    EXPECT_GE(relay->held_bytes(), 99'000u);
    said.clear();
    loop.pass(100);
    ASSERT_EQ(heard(kTarget, RelayKind::kData), 1u);
    EXPECT_EQ(sent_to(kTarget), kMaxCircuitPiece) << "they are joined while they wait";
    loop.pass(10'000);
    EXPECT_EQ(relay->circuits(), 1u);
}

TEST_F(RelayTest, WhatIsTakenByteByByteIsPassedOnTogether) {
    start(few());
    const std::uint32_t there = open(kOpener, 1);
    data(kOpener, {false, 1}, kMaxCircuitPiece);
    said.clear();
    for (int i = 0; i < 10'000; ++i) relay->on_taken(kTarget, {{true, there}, 1});
    EXPECT_EQ(heard(kOpener, RelayKind::kTaken), 0u);
    // What nobody was told of is under way still, so no sum is larger than a message may say.
    for (std::size_t sent = 10'000; sent + kMaxCircuitPiece <= kCircuitWindow;
         sent += kMaxCircuitPiece)
        data(kOpener, {false, 1}, kMaxCircuitPiece);
    EXPECT_EQ(relay->circuits(), 1u);
    loop.pass(50);
    ASSERT_EQ(heard(kOpener, RelayKind::kTaken), 1u);
    const auto taken = std::ranges::find(said, RelayKind::kTaken, &Said::kind);
    EXPECT_EQ(decode_circuit_taken(taken->body)->bytes, 10'000u);
}

TEST_F(RelayTest, ACrowdOfKeysYieldsToAnotherPartOfTheNetwork) {
    groups = {{kOpener, "a"}, {kFourth, "a"}, {kOther, "b"}};
    start(few());
    open(kOpener, 1);
    open(kOpener, 2);
    open(kFourth, 1);
    EXPECT_EQ(relay->circuits(), 3u);
    relay->on_open(kOther, keys[kOther], {1, keys[kTarget]});
    EXPECT_EQ(relay->circuits(), 3u);
    EXPECT_EQ(heard(kTarget, RelayKind::kIncoming), 1u) << "he has a place";
    EXPECT_EQ(closed(kOpener), 1u) << "of the oldest";
    EXPECT_EQ(closed(kOther), 0u);
    EXPECT_EQ(open(kOther, 2), 0u) << "he may not have more than they then have";
    EXPECT_EQ(closed(kOther), 1u);
    for (std::uint32_t i = 10; i < 20; ++i) open(kFourth, i);
    EXPECT_EQ(relay->circuits(), 3u);
    EXPECT_TRUE(relay->on_closed(kOther, {{false, 1}, "enough"})) << "they do not get his place";
}

TEST_F(RelayTest, OpeningAndClosingWithoutEndReachesTheTargetAFewTimesASecond) {
    groups = {{kOpener, "a"}, {kFourth, "a"}, {kOther, "b"}};
    start(few());
    std::size_t reached = 0;
    for (std::uint32_t i = 1; i <= 1000; ++i)
        for (const PeerId from : {kOpener, kFourth}) {
            const std::uint32_t there = open(from, i);
            if (there == 0) continue;
            ++reached;
            relay->on_closed(from, {{false, i}, "and again"});
        }
    EXPECT_EQ(reached, RelayOptions{}.opens_per_s);
    EXPECT_NE(open(kOther, 1), 0u) << "who comes from elsewhere does not wait for it";
    relay->on_closed(kOther, {{false, 1}, "enough"});
    loop.pass(1'100);
    EXPECT_NE(open(kOpener, 2000), 0u);
    relay->on_closed(kOpener, {{false, 2000}, "enough"});
    loop.pass(2'000);
    EXPECT_TRUE(loop.timers.empty()) << "nothing ticks while there is nothing to do";
}

TEST_F(RelayTest, TheRateIsSharedBetweenPartsOfTheNetwork) {
    groups = {{kOpener, "a"}, {kFourth, "a"}, {kOther, "b"}};
    RelayOptions options = few();
    options.max_circuits = 5;
    options.bytes_per_s = 200'000;
    start(options);
    std::map<std::uint32_t, std::size_t> passed;
    const std::uint32_t his = open(kOther, 1);
    for (const PeerId from : {kOpener, kFourth})
        for (const std::uint32_t number : {1u, 2u}) ASSERT_NE(open(from, number), 0u);
    for (int i = 0; i < 12; ++i) {
        data(kOther, {false, 1}, 15'000);
        for (const PeerId from : {kOpener, kFourth})
            for (const std::uint32_t number : {1u, 2u}) data(from, {false, number}, 15'000);
    }
    loop.pass(1'000);
    for (const Said& message : said) {
        if (message.kind != RelayKind::kData) continue;
        const auto piece = decode_circuit_data(message.body);
        passed[piece->id.number] += piece->bytes.size();
    }
    std::size_t all = 0;
    for (const auto& [number, bytes] : passed) all += bytes;
    EXPECT_NEAR(static_cast<double>(passed[his]), static_cast<double>(all) / 2, 20'000.0);
}

template <typename Message, typename Decode>
void one_spelling(const Message& message, Decode decode) {
    Bytes body = encode(message);
    const auto read = decode(body);
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, message);
    body.push_back(0);
    EXPECT_FALSE(decode(body).ok()) << "bytes left over";
    body.resize(body.size() - 2);
    EXPECT_FALSE(decode(body).ok()) << "ends early";
}

TEST(RelayMessages, HaveOneSpellingAndBounds) {
    SeededRandom random(1);
    one_spelling(CircuitId{true, 7}, decode_circuit_id);
    one_spelling(CircuitKey{7, random.hash256()}, decode_circuit_key);
    one_spelling(CircuitData{{false, 7}, Bytes(kMaxCircuitPiece, 1)}, decode_circuit_data);
    one_spelling(CircuitTaken{{false, 7}, kCircuitWindow}, decode_circuit_taken);
    one_spelling(CircuitClosed{{true, 7}, std::string(kMaxClosedBytes, 'x')},
                 decode_circuit_closed);
    EXPECT_FALSE(decode_circuit_id(Bytes{2, 0, 0, 0, 0}).ok()) << "neither side began it";
    EXPECT_FALSE(decode_circuit_data(Bytes(9, 0)).ok()) << "no bytes";
    EXPECT_FALSE(decode_circuit_taken(encode(CircuitTaken{{}, 0})).ok());
    EXPECT_FALSE(decode_circuit_taken(encode(CircuitTaken{{}, kCircuitWindow + 1})).ok());
}

TEST(RelayMessages, ARelayedAddressHasOneSpelling) {
    const std::string key(64, 'a');
    const auto address = parse_relayed(key + "@11.1.0.1:8500");
    ASSERT_TRUE(address.ok());
    EXPECT_EQ(address->relay, "11.1.0.1:8500");
    EXPECT_EQ(to_string(*address), key + "@11.1.0.1:8500");
    for (const std::string& bad :
         {std::string(64, 'A') + "@11.1.0.1:8500", key + "@11.1.0.1:0", key + "@11.1.0.1",
          key + "@" + key + "@11.1.0.1:8500", key.substr(2) + "@11.1.0.1:8500",
          std::string("@11.1.0.1:8500"), key, std::string()})
        EXPECT_FALSE(parse_relayed(bad).ok()) << bad;
    EXPECT_EQ(dialled_host(key + "@11.1.0.1:8500"), "11.1.0.1");
    EXPECT_EQ(dialled_host("[::1]:8500"), "::1");
    for (const std::string& nobody : {key + "@11.1.0.1", std::string("11.1.0.1"), std::string()})
        EXPECT_EQ(dialled_host(nobody), "") << nobody;
}

}  // namespace
}  // namespace cairn::net
