// Proves that whoever announces many servers in one part of the network delays the audits of nobody
// else, and that the order says nothing otherwise.
#include "node/audit_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace cairn::node {
namespace {

TEST(AuditOrder, OfEachPartOfTheNetworkOneComesBeforeASecond) {
    std::vector<std::string> groups(60, "crowd");
    groups.insert(groups.end(), {"a", "b", "b", "c"});
    SeededRandom random(5);
    std::set<std::vector<std::size_t>> orders;
    for (int i = 0; i < 20; ++i) {
        const std::vector<std::size_t> order = audit_order(groups, random);
        std::set<std::string> first;
        for (std::size_t at = 0; at < 4; ++at) first.insert(groups[order[at]]);
        EXPECT_EQ(first.size(), 4U);
        EXPECT_EQ(std::set<std::size_t>(order.begin(), order.end()).size(), groups.size());
        // The other "b" and one of the crowd are next, and then the crowd alone.
        EXPECT_NE(groups[order[4]], groups[order[5]]);
        orders.insert(order);
    }
    EXPECT_GT(orders.size(), 10U);
    EXPECT_TRUE(audit_order({}, random).empty());
}

}  // namespace
}  // namespace cairn::node
