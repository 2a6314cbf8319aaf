// Proves that a node believes of layer servers only what it has heard from their own address, that
// the newest record of a key stands, that what is silent is forgotten, and that no flood of keys,
// hosts or tellers pushes out who is known or keeps who waits from his turn.
#include "node/server_table.h"

#include <gtest/gtest.h>

namespace cairn::node {
namespace {

constexpr std::uint64_t kNow = 1'000'000;

Hash256 hash_of(std::uint64_t value) {
    Hash256 hash;
    for (std::size_t i = 0; i < 8; ++i) hash.bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
    return hash;
}

const Hash256 kGenesis = hash_of(77);

serve::Announce record(std::uint64_t key, const std::string& address,
                       std::uint64_t issued_ms = kNow) {
    serve::Announce result;
    result.key = hash_of(key);
    result.address = address;
    result.layers = {0, 4};
    result.genesis = kGenesis;
    result.issued_ms = issued_ms;
    result.expires_ms = issued_ms + 60'000;
    return result;
}

/// Answers all questions of a table: who listens at an address says so by its key.
struct Asker {
    ServerTable& table;
    std::map<std::string, std::uint64_t> listens;
    std::vector<std::string> asked;

    void ask_all() {
        while (const auto question = table.next_question(kNow)) {
            asked.push_back(question->address);
            const auto there = listens.find(question->address);
            const bool right = there != listens.end() && hash_of(there->second) == question->key;
            table.answered(question->key, right, kNow);
        }
    }
};

TEST(ServerTable, HearsayIsNotKnownUntilTheKeyAnswers) {
    ServerTable table(kGenesis);
    EXPECT_FALSE(table.hear(record(1, "10.1.0.1:1"), "10.9.0.1", kNow));
    EXPECT_TRUE(table.known().empty());
    auto question = table.next_question(kNow);
    ASSERT_TRUE(question);
    EXPECT_EQ(question->address, "10.1.0.1:1");
    EXPECT_FALSE(table.next_question(kNow)) << "it is being asked";
    EXPECT_TRUE(table.answered(hash_of(1), true, kNow)) << "news for others";
    EXPECT_EQ(table.known().size(), 1U);

    table.hear(record(2, "10.1.0.2:1"), "10.9.0.1", kNow);
    ASSERT_TRUE(table.next_question(kNow));
    EXPECT_FALSE(table.answered(hash_of(2), false, kNow));
    EXPECT_EQ(table.known().size(), 1U);
    EXPECT_FALSE(table.wants(record(2, "10.1.0.2:1", kNow + 9'000), "10.9.0.1", kNow + 9'000))
        << "not so soon again";
    EXPECT_TRUE(table.wants(record(2, "10.1.0.2:1", kNow + 60'000), "10.9.0.1", kNow + 60'000));
}

TEST(ServerTable, TheNewestOfAKeyStandsAndNoneComesTooSoon) {
    ServerTable table(kGenesis);
    Asker asker{table, {{"10.1.0.1:1", 1}}, {}};
    table.hear(record(1, "10.1.0.1:1"), "10.9.0.1", kNow);
    asker.ask_all();
    serve::Announce next = record(1, "10.1.0.1:1", kNow + kMinAnnounceStepMs - 1);
    EXPECT_FALSE(table.hear(next, "10.9.0.1", kNow)) << "too soon";
    next.issued_ms = kNow - 1;
    EXPECT_FALSE(table.hear(next, "10.9.0.1", kNow)) << "a replay";
    next.issued_ms = kNow + kMinAnnounceStepMs;
    next.load = 5;
    EXPECT_TRUE(table.hear(next, "10.9.0.1", kNow)) << "no question is needed";
    EXPECT_EQ(table.known().begin()->second.record.load, 5U);
    EXPECT_EQ(asker.asked.size(), 1U);
}

TEST(ServerTable, AnotherAddressIsAskedFirst) {
    ServerTable table(kGenesis);
    Asker asker{table, {{"10.1.0.1:1", 1}}, {}};
    table.hear(record(1, "10.1.0.1:1"), "10.9.0.1", kNow);
    asker.ask_all();
    EXPECT_FALSE(table.hear(record(1, "10.2.0.2:2", kNow + 9'000), "10.9.0.1", kNow));
    asker.ask_all();
    EXPECT_EQ(asker.asked.back(), "10.2.0.2:2");
    EXPECT_EQ(table.known().begin()->second.record.address, "10.1.0.1:1") << "it does not answer";
    // Nor may it be exchanged while the question is under way.
    table.hear(record(2, "10.1.0.2:1"), "10.9.0.1", kNow);
    ASSERT_TRUE(table.next_question(kNow));
    EXPECT_FALSE(table.hear(record(2, "10.7.7.7:7", kNow + 9'000), "10.9.0.1", kNow));
    EXPECT_TRUE(table.answered(hash_of(2), true, kNow));
    EXPECT_EQ(table.known().at(hash_of(2)).record.address, "10.1.0.2:1");
}

TEST(ServerTable, OtherNetworksAndUnfitAddressesAreNotWanted) {
    const ServerTable table(kGenesis);
    serve::Announce other = record(1, "10.1.0.1:1");
    other.genesis = hash_of(78);
    EXPECT_FALSE(table.wants(other, "10.9.0.1", kNow));
    other.genesis = {};
    EXPECT_TRUE(table.wants(other, "10.9.0.1", kNow)) << "free for all";
    for (const char* address : {"", "nonsense", "10.1.0.1:0", "10.1.0.1", "@:1"})
        EXPECT_FALSE(table.wants(record(1, address), "10.9.0.1", kNow)) << address;
    EXPECT_FALSE(table.wants(record(1, "127.0.0.1:22"), "10.9.0.1", kNow))
        << "a stranger names a port of ours";
    EXPECT_TRUE(table.wants(record(1, "127.0.0.1:22"), "127.0.0.1", kNow));
    const std::string through = to_hex(hash_of(1)) + "@10.1.0.1:9";
    EXPECT_TRUE(table.wants(record(1, through), "10.9.0.1", kNow));
    EXPECT_FALSE(table.wants(record(1, to_hex(hash_of(1)) + "@127.0.0.1:9"), "10.9.0.1", kNow));
}

TEST(ServerTable, WhatIsSilentIsForgotten) {
    ServerTable table(kGenesis);
    Asker asker{table, {{"10.1.0.1:1", 1}, {"10.1.0.2:1", 2}}, {}};
    table.hear(record(1, "10.1.0.1:1"), "10.9.0.1", kNow);
    table.hear(record(2, "10.1.0.2:1", kNow + 50'000), "10.9.0.1", kNow);
    asker.ask_all();
    table.expire(kNow, kNow + 59'999);
    EXPECT_EQ(table.known().size(), 2U);
    table.expire(kNow, kNow + 60'000);
    EXPECT_TRUE(table.known().empty()) << "by its own span of life, whatever the clocks say";
    table.put_own(record(3, "10.0.0.1:1"), kNow);
    table.expire(kNow + 60'000 + serve::kMaxClockSkewMs, kNow + 1);
    EXPECT_TRUE(table.known().empty()) << "by the wall clock";
}

TEST(ServerTable, AFloodOfKeysWaitsAndOthersHaveTheirTurn) {
    ServerTable table(kGenesis);
    Asker asker{table, {{"10.1.0.1:1", 1}}, {}};
    for (std::uint64_t key = 1000; key < 3000; ++key)
        table.hear(record(key, "10.5.0.1:" + std::to_string(key)), "10.66.0.1", kNow);
    EXPECT_LE(table.waiting(), ServerLimits{}.waiting);
    table.hear(record(1, "10.1.0.1:1"), "10.7.0.1", kNow);
    std::size_t before = 0;
    while (const auto question = table.next_question(kNow)) {
        if (question->key == hash_of(1)) break;
        ++before;
        table.answered(question->key, false, kNow);
    }
    EXPECT_LE(before, 1U) << "tellers' netgroups take turns";
}

TEST(ServerTable, NoHostAndNoNetgroupTakesMoreThanItsPart) {
    ServerTable table(kGenesis);
    std::uint64_t key = 100;
    const auto join = [&](const std::string& address) {
        const std::uint64_t own = key++;
        table.hear(record(own, address), "10.9.0.1", kNow);
        if (!table.next_question(kNow)) return false;
        return table.answered(hash_of(own), true, kNow);
    };
    std::size_t taken = 0;
    for (int port = 1; port <= 40; ++port) taken += join("10.1.0.1:" + std::to_string(port));
    EXPECT_EQ(taken, 16U) << "of one host";
    for (int host = 2; host <= 200; ++host) taken += join("10.1.0." + std::to_string(host) + ":1");
    EXPECT_EQ(taken, 64U) << "of one netgroup";
    for (int group = 2; group < 20; ++group)
        for (int host = 1; host <= 64; ++host)
            join("10." + std::to_string(group) + ".0." + std::to_string(host) + ":1");
    EXPECT_EQ(table.known().size(), 1024U);
    EXPECT_TRUE(join("10.200.0.1:1")) << "the most crowded netgroups make room";
    EXPECT_EQ(table.known().size(), 1024U);
    EXPECT_FALSE(join("10.2.0.99:1")) << "and take none";
}

// Whatever ports and keys are told of it, and whoever tells them.
TEST(ServerTable, AVictimIsNotDialledWithoutEnd) {
    ServerTable table(kGenesis);
    std::size_t dialled = 0;
    std::uint64_t key = 1000;
    for (std::uint64_t second = 0; second < 600; ++second) {
        const std::uint64_t now = kNow + second * 1000;
        for (int i = 0; i < 8; ++i, ++key)
            table.hear(record(key, "10.77.0.1:" + std::to_string(1 + key % 60'000), now),
                       "10." + std::to_string(60 + i % 4) + ".0.1", now);
        for (int i = 0; i < 4; ++i)
            if (const auto question = table.next_question(now)) {
                dialled += question->address.starts_with("10.77.0.1:");
                table.answered(question->key, false, now);
            }
        if (second != 599) continue;
        // Nor does that keep others from being asked.
        table.hear(record(1, "10.1.0.1:1", now), "10.7.0.1", now);
        const auto question = table.next_question(now);
        ASSERT_TRUE(question);
        EXPECT_EQ(question->key, hash_of(1));
    }
    EXPECT_LE(dialled, 16U + 40);
}

// A signature takes longer to check than to send, and a new link has a new budget for them.
TEST(ServerTable, WhatHasNoRoomIsNotWorthASignature) {
    ServerTable table(kGenesis);
    std::size_t checked = 0;
    for (std::uint64_t key = 1000; key < 5000; ++key) {
        const serve::Announce one = record(key, "10.5.0.1:" + std::to_string(key));
        if (!table.wants(one, "10.66.0.1", kNow)) continue;
        ++checked;
        table.hear(one, "10.66.0.1", kNow);
    }
    EXPECT_LE(checked, ServerLimits{}.waiting + 1);
    EXPECT_TRUE(table.wants(record(1, "10.1.0.1:1"), "10.7.0.1", kNow)) << "of another teller";
    EXPECT_FALSE(table.wants(record(1000, "10.5.0.1:1000", kNow + 1), "10.66.0.1", kNow))
        << "nor is the same again, a moment younger";
}

TEST(ServerTable, OurOwnNeverMakesRoomAndIsNotTakenOver) {
    ServerTable table(kGenesis, {.known = 2});
    Asker asker{table, {}, {}};
    table.put_own(record(1, "10.0.0.1:1"), kNow);
    EXPECT_FALSE(table.wants(record(1, "10.6.6.6:1", kNow + 9'000), "10.9.0.1", kNow));
    for (std::uint64_t key = 2; key < 20; ++key) {
        const std::string address = "10." + std::to_string(key) + ".0.1:1";
        asker.listens[address] = key;
        table.hear(record(key, address), "10.9.0.1", kNow);
        asker.ask_all();
    }
    EXPECT_TRUE(table.known().contains(hash_of(1)));
    EXPECT_EQ(table.known().size(), 3U);
}

}  // namespace
}  // namespace cairn::node
