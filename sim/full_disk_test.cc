// Proves that a node which cannot store blocks, because its disk is full or its database locked,
// says so once, asks nobody for blocks that it would lose again, and follows the chain as soon as
// it can store them.
#include "base/files.h"
#include "sim/scenario.h"

namespace cairn::sim {
namespace {

std::size_t lines_with(const std::string& words, const std::string& text) {
    std::size_t count = 0;
    for (std::size_t at = text.find(words); at != std::string::npos;
         at = text.find(words, at + words.size()))
        ++count;
    return count;
}

TEST(FullDisk, IsSaidOnceAndTheChainIsFollowedAfterwards) {
    std::size_t said =
        0;  // the log shows lines of one kind ever more seldom (base/log_rate_limiter.h)
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit;
        World world(seed, scenario_name(), kit);
        add_three(world);
        ASSERT_TRUE(world.run_until([&] { return world.agreed(24); }, 120'000))
            << world.replay_line();
        const int late = world.add_node({.connect = {0, 1}});
        world.kill(late);
        // Bodies cannot be stored where a file stands in the place of their folder.
        const std::string bodies = world.directory(late) + "/bodies";
        ASSERT_TRUE(remove_tree(bodies).ok());
        ASSERT_TRUE(write_file(bodies, as_bytes("full")).ok());
        testing::internal::CaptureStderr();
        world.start(late);
        world.run_ms(20'000);
        const std::string log = testing::internal::GetCapturedStderr();
        EXPECT_LE(lines_with("store", log), 1u) << log.substr(0, 2000) << world.replay_line();
        said += lines_with("store", log);
        EXPECT_NE(node::troubles_text(world.node(late).status()).find("cannot store blocks"),
                  std::string::npos);
        EXPECT_EQ(world.height(late), 0u);
        ASSERT_TRUE(remove_file(bodies).ok());
        const std::uint32_t from = world.height(0);
        ASSERT_TRUE(world.run_until([&] { return world.agreed(from + 4); }, 120'000))
            << world.replay_line();
        EXPECT_EQ(node::troubles_text(world.node(late).status()), "") << world.replay_line();
    }
    EXPECT_GE(said, 1u);
}

// Headers that come meanwhile are written once the lock is gone; nothing waits for a restart.
TEST(LockedDatabase, NineSecondsAreOutlived) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit;
        World world(seed, scenario_name(), kit);
        add_three(world);
        ASSERT_TRUE(world.run_until([&] { return world.agreed(8); }, 120'000))
            << world.replay_line();
        world.lock_database(2);
        const std::uint32_t stuck = world.height(2);
        world.run_ms(9'000);
        ASSERT_TRUE(world.run_until([&] { return world.height(0) > stuck + 2; }, 60'000))
            << world.replay_line();
        EXPECT_EQ(world.height(2), stuck);
        world.unlock_database(2);
        const std::uint32_t from = world.height(0);
        ASSERT_TRUE(world.run_until([&] { return world.agreed(from + 4); }, 60'000))
            << world.replay_line();
    }
}

}  // namespace
}  // namespace cairn::sim
