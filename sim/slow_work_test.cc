// Proves that a network whose work is Argon2id goes like any other: nodes agree, train and merge,
// one that restarts finds its chain without hashing a header of it again, and a newcomer hashes
// each header once.
#include "sim/scenario.h"

namespace cairn::sim {
namespace {

TEST(SlowWork, NodesAgreeRestartAndJoin) {
    FakeModelKit kit(slow_work_definition());
    World world(1, scenario_name(), kit);
    for (int i = 0; i < 3; ++i) {
        NodeSpec spec{.slice_pause_ms = kSlowWorkPauseMs};
        if (i > 0) spec.connect = {0};
        world.add_node(spec);
    }
    ASSERT_TRUE(world.run_until([&] { return world.agreed(12); }, 600'000)) << world.failure();
    EXPECT_GE(world.store(0).merges(0, 100)->size(), 2U);

    world.kill(2);
    world.start(2);
    ASSERT_TRUE(world.run_until([&] { return world.node(2).chain().is_ready(); }, 60'000));
    EXPECT_GE(world.height(2), 12U);
    EXPECT_EQ(world.node(2).sync().header_work().computed(), 0U) << "its store has them";

    const int newcomer = world.add_node({.connect = {0}, .mine = false, .train = false});
    const std::uint32_t height = world.height(0);
    ASSERT_TRUE(world.run_until([&] { return world.agreed(height + 2); }, 600'000))
        << world.failure();
    const auto& tree = world.node(newcomer).chain().tree();
    EXPECT_EQ(world.node(newcomer).sync().header_work().computed(), tree.size() - 1);
    EXPECT_EQ(world.failure(), "") << world.replay_line();
}

}  // namespace
}  // namespace cairn::sim
