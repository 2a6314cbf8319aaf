// Proves that the latest blocks are at hand, and that they take no more memory than they may.
#include "node/recent_bodies.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"

namespace cairn::node {
namespace {

Hash256 name(int number) { return crypto::sha256(Bytes{static_cast<std::uint8_t>(number)}); }

RecentBodies::Body body(std::size_t bytes) { return std::make_shared<const Bytes>(bytes); }

TEST(RecentBodies, AreBoundedInBlocksAndInBytes) {
    RecentBodies recent(4, 100);
    for (int i = 0; i < 10; ++i) recent.add(name(i), body(10));
    EXPECT_EQ(recent.size(), 4U);
    EXPECT_EQ(recent.find(name(5)), nullptr);
    EXPECT_NE(recent.find(name(6)), nullptr);
    recent.add(name(10), body(85));
    EXPECT_EQ(recent.size(), 2U);
    EXPECT_EQ(recent.bytes(), 95U);
    EXPECT_NE(recent.find(name(9)), nullptr);
    // One that is larger than all of it is what peers ask for now.
    recent.add(name(11), body(1000));
    EXPECT_EQ(recent.size(), 1U);
    EXPECT_EQ(recent.find(name(11))->size(), 1000U);
    recent.add(name(12), body(7));
    EXPECT_EQ(recent.bytes(), 7U);
}

TEST(RecentBodies, ComeOnceAndLeave) {
    RecentBodies recent(4, 100);
    recent.add(name(1), body(30));
    recent.add(name(1), body(40));
    EXPECT_EQ(recent.size(), 1U);
    EXPECT_EQ(recent.bytes(), 40U);
    recent.remove(name(2));
    recent.remove(name(1));
    EXPECT_EQ(recent.size(), 0U);
    EXPECT_EQ(recent.bytes(), 0U);
}

}  // namespace
}  // namespace cairn::node
