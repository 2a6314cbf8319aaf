// Proves that a peer which offers much and delivers nothing delays only itself, that every item is
// asked of one peer at a time and of another when that one fails, and that all is bounded.
#include "node/wanted_items.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>

namespace cairn::node {
namespace {

Item item(int number, ItemKind kind = ItemKind::kPayment) {
    Item item{kind, {}};
    item.id.bytes[0] = static_cast<std::uint8_t>(number);
    item.id.bytes[1] = static_cast<std::uint8_t>(number >> 8);
    return item;
}

using Items = std::vector<Item>;

TEST(WantedItems, AsksOnePeerAtATime) {
    WantedItems wanted({});
    wanted.offer(1, false, item(1));
    wanted.offer(2, false, item(1));
    const auto asked = wanted.next_questions(0);
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked.at(1), Items{item(1)});
    EXPECT_TRUE(wanted.next_questions(1).empty());
    EXPECT_TRUE(wanted.delivered(1, item(1)));
    EXPECT_FALSE(wanted.delivered(1, item(1)));
    EXPECT_FALSE(wanted.delivered(2, item(1)));  // nobody asked it
    wanted.taken(1, item(1));
    EXPECT_EQ(wanted.size(), 0U);
}

TEST(WantedItems, WhoOffersMuchAndDeliversNothingDelaysNobodyElse) {
    WantedItems wanted({});
    for (int i = 0; i < 5'000; ++i) wanted.offer(1, false, item(i));
    EXPECT_EQ(wanted.next_questions(0).at(1).size(), WantedLimits{}.window);
    wanted.offer(2, false, item(6'000));
    EXPECT_EQ(wanted.next_questions(0).at(2), Items{item(6'000)});
    // Its window shrinks with each failure, and what it failed to give is forgotten.
    std::size_t asked = 0;
    for (std::uint64_t now = 2'000; now < 60'000; now += 1'000) {
        const auto questions = wanted.next_questions(now);
        if (const auto found = questions.find(1); found != questions.end())
            asked += found->second.size();
    }
    EXPECT_LE(asked, 60U);
}

TEST(WantedItems, AsksTheOthersWhoFailedLeastAndThoseWeChoseFirst) {
    WantedItems wanted({});
    wanted.offer(1, false, item(9));
    wanted.next_questions(0);
    wanted.next_questions(2'000);  // 1 has failed once
    for (const net::PeerId peer : std::vector<net::PeerId>{4, 1, 2, 3})
        wanted.offer(peer, peer == 3, item(1));
    std::vector<net::PeerId> order;
    for (std::uint64_t now = 3'000; now < 20'000; now += 1'000)
        for (const auto& [peer, items] : wanted.next_questions(now)) order.push_back(peer);
    EXPECT_EQ(order, (std::vector<net::PeerId>{3, 4, 2, 1}));
    EXPECT_EQ(wanted.size(), 0U);
}

TEST(WantedItems, ABetterPeerDoesNotWaitForOneThatOfferedItFirst) {
    WantedItems wanted({});
    const Item payload = item(1, ItemKind::kContribution);
    wanted.offer(1, false, payload);
    EXPECT_EQ(wanted.next_questions(0).count(1), 1U);
    wanted.offer(2, false, payload);
    EXPECT_TRUE(wanted.next_questions(1).empty()) << "it is no better";
    wanted.offer(3, true, payload);
    EXPECT_EQ(wanted.next_questions(2).at(3), Items{payload});
    wanted.offer(4, true, payload);
    EXPECT_TRUE(wanted.next_questions(3).empty());
    EXPECT_TRUE(wanted.delivered(3, payload));
    wanted.taken(3, payload);
    EXPECT_TRUE(wanted.delivered(1, payload)) << "it was asked too";
    EXPECT_TRUE(wanted.next_questions(60'000).empty());
    EXPECT_EQ(wanted.size(), 0U);
}

TEST(WantedItems, ABadItemUnderAnIdDoesNotStopAGoodOne) {
    WantedItems wanted({});
    wanted.offer(1, false, item(1));
    wanted.offer(2, false, item(1));
    wanted.next_questions(0);
    EXPECT_TRUE(wanted.delivered(1, item(1)));
    wanted.offer(3, false, item(1));
    EXPECT_TRUE(wanted.next_questions(1).empty());  // it is being judged
    wanted.refused(1, item(1));
    EXPECT_EQ(wanted.next_questions(2).at(2), Items{item(1)});
}

TEST(WantedItems, WhatComesLateIsTaken) {
    WantedItems wanted({});
    wanted.offer(1, false, item(1, ItemKind::kContribution));
    wanted.offer(2, false, item(1, ItemKind::kContribution));
    wanted.next_questions(0);
    EXPECT_TRUE(wanted.next_questions(4'999).empty());
    EXPECT_EQ(wanted.next_questions(5'000).count(2), 1U);
    EXPECT_TRUE(wanted.delivered(1, item(1, ItemKind::kContribution)));
    EXPECT_TRUE(wanted.next_questions(60'000).empty());
    wanted.taken(1, item(1, ItemKind::kContribution));
    EXPECT_EQ(wanted.size(), 0U);
}

TEST(WantedItems, APeerThatLeavesLeavesNothing) {
    WantedItems wanted({});
    for (int i = 0; i < 300; ++i) wanted.offer(1, false, item(i));
    wanted.next_questions(0);
    for (int i = 0; i < 200; ++i) wanted.offer(2, false, item(i));
    EXPECT_TRUE(wanted.delivered(1, item(0)));
    wanted.remove_peer(1);
    EXPECT_EQ(wanted.size(), 200U);
    EXPECT_EQ(wanted.next_questions(1).at(2).size(), WantedLimits{}.window);
    wanted.refused(1, item(0));
    wanted.remove_peer(2);
    EXPECT_EQ(wanted.size(), 0U);
}

// Whoever has links fills the table by them, and then comes and goes.
TEST(WantedItems, WhoLeavesCostsNoMoreThanHeOffered) {
    WantedItems wanted({});
    constexpr net::PeerId kCrowd = 40;
    const auto number = [](net::PeerId peer, std::size_t i) {
        Item made = item(static_cast<int>(i));
        made.id.bytes[2] = static_cast<std::uint8_t>(peer);
        return made;
    };
    for (net::PeerId peer = 1; peer <= kCrowd; ++peer)
        for (std::size_t i = 0; i < WantedLimits{}.max_offers; ++i)
            wanted.offer(peer, false, number(peer, i));
    const std::size_t full = kCrowd * WantedLimits{}.max_offers;
    ASSERT_EQ(wanted.size(), full);
    const std::clock_t began = std::clock();
    for (net::PeerId peer = kCrowd + 1; peer <= kCrowd + 1'000; ++peer) {
        wanted.offer(peer, false, item(0));
        wanted.remove_peer(peer);
    }
    // A millisecond or two of the processor; looking through the table for each takes half a
    // minute.
    EXPECT_LT(std::clock() - began, 2 * CLOCKS_PER_SEC);
    EXPECT_EQ(wanted.size(), full);
}

// A late answer is judged although the offer is void by then.
TEST(WantedItems, APeerThatLeavesWhileItsLateItemIsJudgedLeavesNothing) {
    WantedItems wanted({});
    wanted.offer(1, false, item(1));
    wanted.offer(2, false, item(1));
    wanted.next_questions(0);
    EXPECT_EQ(wanted.next_questions(2'000).count(2), 1U);
    EXPECT_TRUE(wanted.delivered(1, item(1)));
    wanted.remove_peer(1);
    EXPECT_TRUE(wanted.next_questions(2'001).empty());
    wanted.refused(1, item(1));
    EXPECT_EQ(wanted.next_questions(2'002).count(2), 1U);
    wanted.remove_peer(2);
    EXPECT_EQ(wanted.size(), 0U);
}

TEST(WantedItems, OffersAreBounded) {
    WantedItems wanted({.max_offers = 10});
    for (int i = 0; i < 100; ++i) wanted.offer(1, false, item(i));
    EXPECT_EQ(wanted.size(), 10U);
    wanted.offer(2, false, item(50));
    EXPECT_EQ(wanted.size(), 11U);
}

}  // namespace
}  // namespace cairn::node
