// Proves that retries pause ever longer, that strangers cannot push out what works, and that the
// stored form and the gossip form are bounded and canonical.
#include "net/peer_book.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace cairn::net {
namespace {

/// Addresses of different hosts in different netgroups.
std::string numbered(int i) {
    return "10." + std::to_string(i % 250) + "." + std::to_string(i / 250) + ".1:7000";
}
/// One that told so few addresses that no bound for tellers is met.
std::string teller(int i) { return "20." + std::to_string(i % 100) + ".0.1:7000"; }

TEST(PeerBook, PausesGrowAndEnd) {
    SeededRandom random(1);
    PeerBook book(random);
    ASSERT_TRUE(book.add("a.example:1", AddressSource::kGossip));
    std::uint64_t now = 1000;
    std::uint64_t last_pause = 0;
    for (int failures = 0; failures < 15; ++failures) {
        ASSERT_EQ(book.due(now, 10).size(), 1u);
        book.on_attempt("a.example:1", now);
        EXPECT_TRUE(book.due(now, 10).empty());
        book.on_failed("a.example:1", now);
        std::uint64_t pause = 0;
        while (book.due(now + pause, 10).empty()) pause += 100;
        EXPECT_LE(pause, 600'100u);
        if (failures < 8) {
            EXPECT_GE(pause + 100, last_pause);
        }
        last_pause = pause;
        now += pause;
    }
    EXPECT_GE(last_pause, 300'000u);
    book.on_connected("a.example:1", now);
    EXPECT_TRUE(book.due(now + 1'000'000, 10).empty()) << "connected: not due";
    book.on_disconnected("a.example:1", now);
    EXPECT_TRUE(book.due(now, 10).empty());
    EXPECT_EQ(book.due(now + 1000, 10).size(), 1u);
}

TEST(PeerBook, UserAddressesComeFirstAndPauseLess) {
    SeededRandom random(2);
    PeerBook book(random);
    for (int i = 1; i < 50; ++i) book.add(numbered(i), AddressSource::kGossip);
    book.add("friend:9", AddressSource::kUser);
    EXPECT_EQ(book.due(0, 1), std::vector<std::string>{"friend:9"});
    EXPECT_EQ(book.due(0, 10).size(), 10u);
    for (int i = 0; i < 30; ++i) book.on_failed("friend:9", 0);
    EXPECT_EQ(book.due(60'000, 1), std::vector<std::string>{"friend:9"});
    book.forget("friend:9");
    EXPECT_EQ(book.size(), 49u);
    EXPECT_FALSE(book.add("friend:9", AddressSource::kUser)) << "forgotten for good";
    for (int i = 0; i < 300; ++i) book.forget(numbered(20'000 + i));
    EXPECT_TRUE(book.add("friend:9", AddressSource::kUser)) << "but the memory is bounded";
}

TEST(PeerBook, StrangersCannotPushOutWhatWorks) {
    SeededRandom random(3);
    PeerBook book(random);
    for (int i = 1; i <= 1024; ++i)
        ASSERT_TRUE(book.add(numbered(i), AddressSource::kGossip, teller(i)));
    EXPECT_FALSE(book.add("new:1", AddressSource::kGossip, teller(0))) << "nothing has failed yet";
    book.on_connected(numbered(1), 0);
    book.on_disconnected(numbered(1), 0);
    book.on_failed(numbered(1), 0);
    EXPECT_FALSE(book.add("new:1", AddressSource::kGossip, teller(0)))
        << "the only failed one worked before";
    book.on_failed(numbered(2), 0);
    EXPECT_TRUE(book.add("new:1", AddressSource::kGossip));
    EXPECT_EQ(book.size(), kMaxKnownAddresses);
    EXPECT_EQ(book.sample(10), std::vector<std::string>{numbered(1)}) << "only what worked";
}

TEST(PeerBook, OneHostWithManyPortsTakesLittle) {
    SeededRandom random(6);
    PeerBook book(random);
    for (int port = 1; port <= 1'024; ++port)
        for (const char* host : {"66.6.6.6:", "evil.example:"})
            book.add(host + std::to_string(port), AddressSource::kGossip, teller(port));
    EXPECT_EQ(book.size(), 2 * kMaxToldPerHost);
    for (int i = 0; i < 2'000; ++i)
        book.add("66.6." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ":1",
                 AddressSource::kGossip, teller(i));
    EXPECT_EQ(book.size(), kMaxToldPerHost + kMaxToldPerGroup);
    EXPECT_TRUE(book.add("66.6.6.6:2000", AddressSource::kUser)) << "the user is not bounded";
}

TEST(PeerBook, OneTellerTakesLittleAndManyMakeRoom) {
    SeededRandom random(7);
    PeerBook book(random);
    for (int i = 0; i < 500; ++i) book.add(numbered(i), AddressSource::kGossip, "66.6.6.6:1");
    EXPECT_EQ(book.size(), kMaxToldByGroup);
    for (int i = 0; i < 4'000; ++i)
        book.add(numbered(i), AddressSource::kGossip,
                 "66." + std::to_string(i % 16) + ".6.6:" + std::to_string(1 + i));
    EXPECT_EQ(book.size(), kMaxKnownAddresses);
    EXPECT_TRUE(book.add("7.7.7.7:1", AddressSource::kGossip, "8.8.8.8:1"))
        << "untried addresses do not fill it for ever";
    EXPECT_EQ(book.size(), kMaxKnownAddresses);
}

TEST(PeerBook, DrawsByNetgroupAndAnchorsFirst) {
    SeededRandom random(8);
    PeerBook book(random);
    for (int i = 0; i < 60; ++i) book.restore("66.6.0." + std::to_string(i) + ":1", false);
    book.restore("1.1.1.1:1", true);
    book.restore("2.2.2.2:1", false);
    book.add("3.3.3.3:1", AddressSource::kGossip);
    int honest_second = 0;
    for (int i = 0; i < 200; ++i) {
        const auto due = book.due(0, 3);
        ASSERT_EQ(due.size(), 3u);
        EXPECT_EQ(due[0], "1.1.1.1:1");
        honest_second += due[1] == "2.2.2.2:1";
        EXPECT_EQ((due[1] == "2.2.2.2:1") + (due[2] == "2.2.2.2:1"), 1) << "one of each group";
    }
    EXPECT_GT(honest_second, 60);
    EXPECT_LT(honest_second, 140);
    book.on_connected("2.2.2.2:1", 0);
    EXPECT_EQ(book.due(0, 100).size(), 62u) << "a crowded group is dialled in the end";
}

TEST(PeerBook, ThoseThatWorkedLeaveRoomForNewOnes) {
    SeededRandom random(9);
    PeerBook book(random);
    for (int i = 0; i < 900; ++i) {
        book.add(numbered(i), AddressSource::kGossip, teller(i));
        book.on_connected(numbered(i), 0);
        book.on_disconnected(numbered(i), 0);
    }
    EXPECT_EQ(book.sample(2'000).size(), kMaxWorked);
}

TEST(PeerBook, RefusesWhatCannotBeDialled) {
    SeededRandom random(4);
    PeerBook book(random);
    for (const char* text : {"", "host", "host:0", "host:99999", "x y:1"})
        EXPECT_FALSE(book.add(text, AddressSource::kUser)) << text;
}

TEST(PeerBook, StoredFormRoundTrips) {
    SeededRandom random(5);
    PeerBook book(random);
    book.add("b:2", AddressSource::kUser);
    book.on_connected("a:1", 5);
    const Bytes stored = book.encode();
    PeerBook read(random);
    ASSERT_TRUE(read.decode(stored).ok());
    EXPECT_EQ(read.encode(), stored);
    EXPECT_EQ(read.sample(5), std::vector<std::string>{"a:1"});
    EXPECT_EQ(read.due(0, 5).size(), 2u) << "connections do not outlive a restart";
    for (std::size_t size = 0; size < stored.size(); ++size)
        EXPECT_FALSE(read.decode(ByteView(stored).first(size)).ok());
    Bytes longer = stored;
    longer.push_back(0);
    EXPECT_FALSE(read.decode(longer).ok());
    EXPECT_EQ(read.encode(), stored) << "a failed read changes nothing";
}

TEST(PeerBook, GossipIsBounded) {
    const std::vector<std::string> addresses{"a:1", "[::1]:2"};
    const auto read = decode_addresses(encode_addresses(addresses));
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(*read, addresses);
    EXPECT_FALSE(decode_addresses(encode_addresses({"a:0"})).ok());
    Writer many;
    many.count(65);
    for (int i = 1; i <= 65; ++i) many.text(numbered(i));
    EXPECT_FALSE(decode_addresses(many.out()).ok());
}

}  // namespace
}  // namespace cairn::net
