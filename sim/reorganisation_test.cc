// Proves that reorganisations of depth 1 to 5, across round borders, undo coins, model and rules
// state to the byte: afterwards the state equals that of a node that never saw the other branch,
// whether blocks were taken back by undo records or by a snapshot and replay.
#include "sim/scenario.h"

namespace cairn::sim {
namespace {

void reorganise(std::uint64_t seed, std::uint32_t depth, bool restart) {
    FakeModelKit kit;
    World world(seed, scenario_name(), kit);
    world.add_node({.max_undo = restart ? 2U : 64U});
    world.add_node({.connect = {0}});
    const std::uint32_t start = 5 + static_cast<std::uint32_t>(world.random().below(8));
    ASSERT_TRUE(world.run_until([&] { return world.agreed(start); }, 120'000))
        << world.replay_line();
    world.node(0).set_mining(false);
    world.node(1).set_mining(false);
    ASSERT_TRUE(world.run_until([&] { return world.agreed(); }, 20'000)) << world.replay_line();
    world.run_ms(1'000);
    world.partition({0});
    world.run_ms(5'000);

    const std::uint32_t fork = world.height(0);
    const auto mine_to = [&](int number, std::uint32_t height) {
        world.node(number).set_mining(true);
        const bool reached =
            world.run_until([&] { return world.height(number) >= height; }, 240'000);
        world.node(number).set_mining(false);
        world.run_ms(500);
        return reached;
    };
    ASSERT_TRUE(mine_to(0, fork + depth)) << world.replay_line();
    ASSERT_TRUE(mine_to(1, world.height(0) + 1)) << world.replay_line();
    // More blocks need not be more work.
    while (!(world.node(1).chain().tip()->node->work > world.node(0).chain().tip()->node->work))
        ASSERT_TRUE(mine_to(1, world.height(1) + 1)) << world.replay_line();
    const Hash256 old_tip = world.tip(0);
    const std::uint64_t before = restart ? 0 : world.node(0).status().reorganisations;
    if (restart) {
        world.kill(0);
        world.spec(0).mine = false;
        world.start(0);
        world.run_ms(1'000);
        ASSERT_EQ(world.tip(0), old_tip) << world.replay_line();
    }
    world.heal();
    ASSERT_TRUE(world.run_until([&] { return world.agreed(fork + depth + 1); }, 120'000))
        << world.replay_line() << " depth " << depth;
    EXPECT_EQ(world.node(0).status().reorganisations, before + 1) << world.replay_line();
    EXPECT_EQ(world.saved_ledger(0), world.saved_ledger(1))
        << world.replay_line() << " depth " << depth;
    EXPECT_EQ(world.store(0).tip()->value().hash, world.tip(1)) << world.replay_line();
    // What was earned on the lost branch is gone from the records too.
    EXPECT_EQ(world.store(0).merges(0, 1'000)->size(), world.store(1).merges(0, 1'000)->size());
    EXPECT_TRUE(world.failure().empty()) << world.replay_line();
}

TEST(Reorganisation, IsExactByUndo) {
    for (const std::uint64_t seed : seeds())
        for (std::uint32_t depth = 1; depth <= 5; ++depth) reorganise(seed, depth, false);
}

TEST(Reorganisation, IsExactBySnapshotAndReplay) {
    for (const std::uint64_t seed : seeds())
        for (std::uint32_t depth = 1; depth <= 5; ++depth) reorganise(seed, depth, true);
}

}  // namespace
}  // namespace cairn::sim
