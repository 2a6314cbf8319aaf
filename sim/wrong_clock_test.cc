// Proves that a node whose clock is hours wrong says so, mines nothing that others would refuse,
// and takes part as soon as its clock is set; and that the others are not disturbed.
#include "sim/scenario.h"

namespace cairn::sim {
namespace {

constexpr std::int64_t kHours = 3 * 3'600'000;

bool warns(World& world, int number, const std::string& words) {
    return node::troubles_text(world.node(number).status()).find(words) != std::string::npos;
}

TEST(WrongClock, AheadOfThePeersItFollowsAndMinesNothing) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit;
        World world(seed, scenario_name(), kit);
        add_three(world);
        const int wrong = world.add_node({.connect = {0, 1}, .clock_skew_ms = kHours});
        ASSERT_TRUE(world.run_until([&] { return warns(world, wrong, "3 h ahead"); }, 60'000))
            << world.replay_line();
        world.run_ms(2'000);
        const std::uint64_t mined = world.node(wrong).status().mining.blocks;
        ASSERT_TRUE(world.run_until([&] { return world.agreed(16); }, 120'000))
            << world.replay_line();
        EXPECT_EQ(world.node(wrong).status().mining.blocks, mined) << world.replay_line();
        EXPECT_FALSE(world.node(wrong).status().mining.enabled);
        EXPECT_TRUE(world.node(0).status().mining.enabled);
        // Set right, by a restart.
        world.kill(wrong);
        world.spec(wrong).clock_skew_ms = 0;
        world.start(wrong);
        const std::uint32_t from = world.height(0);
        ASSERT_TRUE(world.run_until([&] { return world.agreed(from + 4); }, 120'000))
            << world.replay_line();
        EXPECT_TRUE(node::troubles_text(world.node(wrong).status()).empty());
        EXPECT_TRUE(world.node(wrong).status().mining.enabled);
    }
}

TEST(WrongClock, BehindItsOwnChainItWaits) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit;
        World world(seed, scenario_name(), kit);
        world.add_node({});
        ASSERT_TRUE(world.run_until([&] { return world.height(0) >= 6; }, 120'000));
        world.kill(0);
        world.spec(0).clock_skew_ms = -kHours;
        world.start(0);
        ASSERT_TRUE(world.run_until([&] { return world.height(0) >= 6; }, 60'000));
        const std::uint32_t height = world.height(0);
        world.run_ms(30'000);
        EXPECT_EQ(world.height(0), height) << world.replay_line();
        EXPECT_TRUE(warns(world, 0, "3 h behind the chain's last block")) << world.replay_line();
    }
}

}  // namespace
}  // namespace cairn::sim
