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

TEST(UpgradesAhead, WarnOfTheFirstThatIsNotKnown) {
    const std::string early = upgrade_warning(network(), 10, {1, 2});
    EXPECT_NE(early.find("block 2000 brings numerics version 1 and rules version 3"),
              std::string::npos)
        << early;
    EXPECT_NE(early.find("1990 blocks away"), std::string::npos) << early;
    EXPECT_NE(early.find("install a newer Cairn before"), std::string::npos) << early;
    const std::string there = upgrade_warning(network(), 1999, {1, 2});
    EXPECT_NE(there.find("can go no further"), std::string::npos) << there;
    EXPECT_NE(there.find("Install the newest Cairn"), std::string::npos) << there;
    EXPECT_EQ(upgrade_warning(network(), 10, {2, 3}), "");
    EXPECT_NE(upgrade_warning(network(), 2500, {1, 3}), "") << "numerics count as well";
    EXPECT_EQ(upgrade_warning({}, 10, {1, 1}), "");
}

}  // namespace
}  // namespace cairn::node
