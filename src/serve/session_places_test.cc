// Proves that whoever came first does not keep a layer server's memory: sessions that compute
// nothing go first, crowds yield to newcomers, and no crowd takes from those who hold less.
#include "serve/session_places.h"

#include <gtest/gtest.h>

namespace cairn::serve {
namespace {

using Serials = std::vector<std::uint64_t>;

crypto::PublicKey key(std::uint8_t id) {
    crypto::PublicKey made;
    made.bytes[0] = id;
    return made;
}

HeldSession session(std::uint64_t serial, const std::string& group, std::uint8_t owner,
                    bool computed, std::uint64_t unused_ms, std::uint64_t bytes = 1) {
    return {serial, {group, key(owner), bytes}, computed, unused_ms};
}

TEST(SessionPlaces, NobodyYieldsWhileThereIsRoom) {
    EXPECT_EQ(sessions_to_yield({}, {"a", key(1), 4}, 4), Serials{});
    EXPECT_EQ(sessions_to_yield({session(1, "a", 1, false, 99'000)}, {"b", key(2), 3}, 4),
              Serials{});
    EXPECT_EQ(sessions_to_yield({}, {"a", key(1), 5}, 4), std::nullopt) << "larger than all";
}

TEST(SessionPlaces, WhatNeverComputedGoesFirst) {
    const std::vector<HeldSession> held = {
        session(1, "a", 1, true, 60'000), session(2, "a", 1, false, 10'000),
        session(3, "b", 2, false, 20'000), session(4, "c", 3, true, 0)};
    EXPECT_EQ(sessions_to_yield(held, {"d", key(4), 1}, 4), Serials{2}) << "of the crowded part";
    EXPECT_EQ(sessions_to_yield(held, {"d", key(4), 2}, 4), (Serials{2, 3}));
}

TEST(SessionPlaces, SessionsAtWorkYieldToThosePartsAloneThatHoldLess) {
    std::vector<HeldSession> held;
    for (std::uint64_t i = 1; i <= 4; ++i) held.push_back(session(i, "crowd", 1, true, 10 * i));
    EXPECT_EQ(sessions_to_yield(held, {"other", key(2), 1}, 4), Serials{4}) << "longest unused";
    // Within a part of the network the same goes for keys, so sessions of one key take turns.
    EXPECT_EQ(sessions_to_yield(held, {"crowd", key(2), 1}, 4), Serials{4});
    EXPECT_EQ(sessions_to_yield(held, {"crowd", key(1), 1}, 4), std::nullopt);
    held[0] = session(1, "other", 2, true, 0);
    EXPECT_EQ(sessions_to_yield(held, {"crowd", key(3), 1}, 4), Serials{4}) << "of its own part";
    held = {session(1, "a", 1, true, 0), session(2, "b", 2, true, 0)};
    EXPECT_EQ(sessions_to_yield(held, {"c", key(3), 1}, 2), std::nullopt) << "all hold the same";
}

TEST(SessionPlaces, AStormOfNewcomersTakesNothingFromAQuietUser) {
    std::vector<HeldSession> held = {session(1, "user", 1, true, 100'000)};
    for (std::uint64_t i = 2; i <= 4; ++i) held.push_back(session(i, "crowd", 2, false, 0));
    for (std::uint64_t i = 5; i < 100; ++i) {
        const auto owner = static_cast<std::uint8_t>(i);
        const auto yields = sessions_to_yield(held, {"crowd", key(owner), 1}, 4);
        if (!yields) continue;
        ASSERT_EQ(yields->size(), 1U);
        ASSERT_NE(yields->front(), 1U);
        std::erase_if(held, [&](const HeldSession& s) { return s.serial == yields->front(); });
        held.push_back(session(i, "crowd", owner, i % 2 == 0, 11'000));
    }
    // It makes room for one who holds as little.
    EXPECT_EQ(held.front().serial, 1U);
}

TEST(SessionPlaces, WhoWantsMuchTakesNoMoreThanAnEqualShareFromOthersThatComputed) {
    std::vector<HeldSession> held;
    for (std::uint64_t i = 1; i <= 8; ++i)
        held.push_back(session(i, std::to_string(i), 1, true, 50'000));
    EXPECT_EQ(sessions_to_yield(held, {"greedy", key(9), 8}, 8), std::nullopt);
    EXPECT_EQ(sessions_to_yield(held, {"modest", key(9), 1}, 8)->size(), 1U);
    for (HeldSession& one : held) one.computed = false;
    EXPECT_EQ(sessions_to_yield(held, {"greedy", key(9), 8}, 8)->size(), 8U) << "nobody computed";
}

}  // namespace
}  // namespace cairn::serve
