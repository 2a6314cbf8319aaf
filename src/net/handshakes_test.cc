// Proves that a flood of connections is bounded, of one part of the network and of all, and that it
// keeps nobody else out.
#include "net/handshakes.h"

#include <gtest/gtest.h>

namespace cairn::net {
namespace {

std::size_t take(Handshakes& handshakes, const std::string& group, int count) {
    std::size_t taken = 0;
    for (int i = 0; i < count; ++i) taken += handshakes.take(group);
    return taken;
}

TEST(Handshakes, AreBoundedForEachPartOfTheNetwork) {
    Handshakes handshakes(4, 100);
    EXPECT_EQ(take(handshakes, "a", 50), 4u);
    EXPECT_EQ(take(handshakes, "b", 3), 3u);
    handshakes.on_second();
    EXPECT_EQ(take(handshakes, "a", 50), 4u);
}

TEST(Handshakes, OfAllTogetherTooAndNewcomersAreStillHeard) {
    Handshakes handshakes(4, 10);
    for (const char* const group : {"a", "b", "c"}) take(handshakes, group, 50);
    EXPECT_EQ(handshakes.taken(), 10u);
    EXPECT_EQ(take(handshakes, "somebody", 50), 1u) << "one, whatever the others do";
    for (int i = 0; i < 1000; ++i) handshakes.take(std::to_string(i));
    EXPECT_EQ(handshakes.taken(), 20u);
    handshakes.on_second();
    EXPECT_EQ(handshakes.taken(), 0u);
    EXPECT_EQ(take(handshakes, "a", 50), 4u);
}

}  // namespace
}  // namespace cairn::net
