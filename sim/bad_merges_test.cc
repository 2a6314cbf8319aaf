// Proves that merge blocks with real work which only the slow reference arithmetic may condemn
// neither stop the honest chain while it computes nor remain unjudged.
#include "sim/scenario.h"
#include "sim/sim_hostile_peer.h"

namespace cairn::sim {
namespace {

std::size_t condemned(World& world, int number) {
    std::size_t count = 0;
    for (const node::BlockNode* node : world.node(number).chain().tree().in_order())
        count += node->invalid && node->reason.find("state after the block") != std::string::npos;
    return count;
}

TEST(BadMerges, TheChainGoesOnWhileTheyAreJudged) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit;
        WorldOptions options;
        options.reference_lane = {30'000'000, 30'000'000};
        World world(seed, scenario_name(), kit, options);
        add_three(world);
        SimHostilePeer hostile(world, 1, Malice::kBadMerges, {0, 1, 2});
        ASSERT_TRUE(world.run_until([&] { return world.agreed(30); }, 150'000))
            << world.replay_line() << " at height " << world.height(0);
        EXPECT_TRUE(world.run_until([&] { return condemned(world, 0) >= 2; }, 300'000))
            << world.replay_line();
        EXPECT_TRUE(node::troubles_text(world.node(0).status()).empty())
            << node::troubles_text(world.node(0).status());
        EXPECT_TRUE(world.node(0).status().mining.enabled);
        EXPECT_EQ(world.failure(), "");
        if (HasFailure()) return;
    }
}

}  // namespace
}  // namespace cairn::sim
