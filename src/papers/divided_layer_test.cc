// Proves the costs of a divided layer against figures worked out by hand.
#include "papers/divided_layer.h"

#include <gtest/gtest.h>

namespace cairn::papers {
namespace {

constexpr LayerWidths kWidths{4, 4, 2, 8};  // 4 (4 + 2 + 2 + 8 + 8) = 96 before, 48 behind

TEST(DividedLayer, OneMachineHasNoLines) {
    const DividedCost cost = divided_layer(kWidths, {1, 144, 1, 1}, Division::kHeadsAndColumns);
    EXPECT_EQ(cost.busiest_share, 1);
    EXPECT_EQ(cost.seconds, 1);
    EXPECT_EQ(cost.exchanges, 0);
}

TEST(DividedLayer, TheLeadComputesWhatIsJoined) {
    const DividedCost cost = divided_layer(kWidths, {3, 144, 100, 0.5}, Division::kHeadsAndColumns);
    EXPECT_DOUBLE_EQ(cost.busiest_share, (96.0 / 3 + 48) / 144);
    EXPECT_EQ(cost.exchanges, 2);
    EXPECT_EQ(cost.sent_to_each, 4 * (4 + 4));
    EXPECT_DOUBLE_EQ(cost.from_each, 4 * 12.0 / 3);
    EXPECT_DOUBLE_EQ(cost.seconds, 80.0 / 144 + 2 * 0.5 + 2 * (32 + 16) / 100.0);
}

TEST(DividedLayer, RowsBehindTheJoinCostTwoMoreExchanges) {
    const DividedCost cost = divided_layer(kWidths, {3, 144, 100, 0.5}, Division::kRowsToo);
    EXPECT_DOUBLE_EQ(cost.busiest_share, 1.0 / 3);
    EXPECT_EQ(cost.exchanges, 4);
    EXPECT_DOUBLE_EQ(cost.sent_to_each, 4 * (8 + 12 * 2.0 / 3));
    EXPECT_DOUBLE_EQ(cost.from_each, 4 * (12 + 8) / 3.0);
    EXPECT_DOUBLE_EQ(cost.seconds, 48.0 / 144 + 4 * 0.5 + 2 * (64 + 80 / 3.0) / 100);
}

}  // namespace
}  // namespace cairn::papers
