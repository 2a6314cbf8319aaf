// Proves that whoever crowds the places for inbound peers yields first, that useful and old peers
// stay, and that silent connections from one place do not keep others from being heard.
#include "net/places.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace cairn::net {
namespace {

TEST(Places, TheYoungestOfTheCrowdedGroupYields) {
    EXPECT_EQ(place_to_yield({}, 2), std::nullopt);
    EXPECT_EQ(place_to_yield({{7, "a", 0}}, 2), PeerId{7});
    // The older half (1 to 3) stays; of the others, group "a" is the most crowded.
    EXPECT_EQ(
        place_to_yield(
            {{1, "b", 0}, {2, "b", 0}, {3, "b", 0}, {4, "a", 0}, {5, "a", 0}, {6, "b", 0}}, 2),
        PeerId{5});
}

TEST(Places, ThoseUsefulLatelyStay) {
    std::vector<Place> taken;
    for (PeerId id = 1; id <= 8; ++id) taken.push_back({id, "a", 0});
    EXPECT_EQ(place_to_yield(taken, 2), PeerId{8});
    taken[7].useful = 1;
    EXPECT_EQ(place_to_yield(taken, 2), PeerId{7});
    taken[6].useful = 2;
    taken[5].useful = 3;
    EXPECT_EQ(place_to_yield(taken, 2), PeerId{8}) << "so many are kept for their use, no more";
    for (Place& place : taken) place.useful = place.id;
    EXPECT_EQ(place_to_yield(taken, 8), PeerId{2}) << "a quarter can always be taken";
}

TEST(Places, AStormOfNewcomersLeavesTheOldOnes) {
    std::vector<Place> taken;
    for (PeerId id = 1; id <= 48; ++id) taken.push_back({id, std::to_string(id), 0});
    for (PeerId id = 49; id < 5'000; ++id) {
        const PeerId gone = place_to_yield(taken, 8).value();
        std::erase_if(taken, [gone](const Place& place) { return place.id == gone; });
        taken.push_back({id, "stranger" + std::to_string(id), 0});
    }
    EXPECT_GE(std::count_if(taken.begin(), taken.end(), [](const Place& p) { return p.id <= 48; }),
              24);
}

TEST(Places, APendingConnectionYieldsToALessCrowdedGroup) {
    const std::vector<Place> pending{{1, "a", 0}, {2, "a", 0}, {3, "b", 0}, {4, "a", 0}};
    EXPECT_EQ(pending_to_yield(pending, "c"), PeerId{1});
    EXPECT_EQ(pending_to_yield(pending, "b"), PeerId{1});
    EXPECT_EQ(pending_to_yield(pending, "a"), std::nullopt) << "it would crowd its own group";
    EXPECT_EQ(pending_to_yield({{5, "a", 0}, {2, "b", 0}}, "c"), PeerId{2})
        << "silence from as many groups as there are places keeps nobody out";
}

TEST(Places, AUsedPlaceYieldsOnlyToAGroupThatHasFewer) {
    const std::vector<Place> used = {{1, "b", 0}, {2, "a", 0}, {3, "a", 0}, {4, "a", 0}};
    EXPECT_EQ(used_to_yield(used, "c"), PeerId{2});
    EXPECT_EQ(used_to_yield(used, "b"), PeerId{2});
    EXPECT_EQ(used_to_yield(used, "a"), std::nullopt);
    const std::vector<Place> even = {{1, "b", 0}, {2, "b", 0}, {3, "a", 0}, {4, "a", 0}};
    EXPECT_EQ(used_to_yield(even, "a"), std::nullopt);
    EXPECT_EQ(used_to_yield({{1, "a", 0}}, "b"), std::nullopt);
}

}  // namespace
}  // namespace cairn::net
