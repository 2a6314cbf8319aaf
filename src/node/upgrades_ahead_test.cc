// Proves that an upgrade which a program does not know is said long before its height, and at it
// what to do; and that one which it knows is shown without a word of warning.
#include "node/upgrades_ahead.h"

#include <gtest/gtest.h>

namespace cairn::node {
namespace {

chain::NetworkDefinition network() {
    chain::NetworkDefinition network;
    network.spacing_ms = 60'000;
    network.upgrades = {{10, 0, 2}, {2000, 0, 3}, {3000, 2, 0}};
    return network;
}

TEST(UpgradesAhead, AreThoseAboveTheTip) {
    const auto ahead = upgrades_ahead(network(), 10, {1, 2});
    ASSERT_EQ(ahead.size(), 2U);
    EXPECT_EQ(ahead[0].height, 2000U);
    EXPECT_EQ(ahead[0].rules_version, 3U);
    EXPECT_FALSE(ahead[0].known);
    EXPECT_EQ(ahead[1].numerics_version, 2U);
    EXPECT_EQ(ahead[1].rules_version, 3U) << "what holds there, not what the upgrade names";
    EXPECT_TRUE(upgrades_ahead(network(), 3000, {1, 2}).empty());
    EXPECT_TRUE(upgrades_ahead(network(), 0, {2, 3}).at(2).known);
}

TEST(UpgradesAhead, TheFirstThatIsNotKnownIsSaid) {
    const auto early = unknown_upgrade(network(), 10, {1, 2});
    ASSERT_TRUE(early);
    EXPECT_NE(early->message.find("block 2000 brings numerics version 1 and rules version 3"),
              std::string::npos)
        << early->message;
    EXPECT_NE(early->message.find("1990 blocks away"), std::string::npos) << early->message;
    EXPECT_NE(early->advice.find("install a newer Cairn before"), std::string::npos);
    const auto there = unknown_upgrade(network(), 1999, {1, 2});
    ASSERT_TRUE(there);
    EXPECT_NE(there->message.find("can go no further"), std::string::npos) << there->message;
    EXPECT_NE(there->advice.find("install the newest Cairn"), std::string::npos);
    EXPECT_FALSE(unknown_upgrade(network(), 10, {2, 3}));
    EXPECT_TRUE(unknown_upgrade(network(), 2500, {1, 3})) << "numerics count as well";
    EXPECT_FALSE(unknown_upgrade({}, 10, {1, 1}));
}

}  // namespace
}  // namespace cairn::node
