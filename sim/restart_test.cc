// Proves that a node killed at any instant starts again from its disk, consistent, and catches up;
// and that damaged snapshots and bodies cost time but corrupt nothing.
#include <filesystem>
#include <fstream>

#include "sim/scenario.h"

namespace cairn::sim {
namespace {

namespace fs = std::filesystem;

TEST(Restart, KilledAtRandomInstants) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit;
        World world(seed, scenario_name(), kit);
        world.add_node({});
        world.add_node({.connect = {0}});
        world.add_node({.connect = {0, 1}, .snapshot_interval = 4});
        for (int i = 0; i < 8; ++i) {
            world.run_ms(1'000 + world.random().below(8'000));
            // Any event may be the last one.
            for (std::uint64_t steps = world.random().below(50); steps > 0; --steps)
                world.scheduler().step();
            const int victim = static_cast<int>(world.random().below(3));
            const std::uint32_t height = world.height(victim);
            world.kill(victim);
            world.run_ms(world.random().below(6'000));
            world.start(victim);
            ASSERT_TRUE(
                world.run_until([&] { return world.node(victim).chain().is_ready(); }, 10'000))
                << world.replay_line();
            // What was announced is not lost.
            EXPECT_GE(world.height(victim), height) << world.replay_line();
        }
        ASSERT_TRUE(world.run_until([&] { return world.agreed(16); }, 120'000))
            << world.replay_line();
    }
}

void damage(const fs::path& file) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(0, std::ios::end);
    const std::streamoff middle = stream.tellg() / 2;
    stream.seekg(middle);
    const char byte = static_cast<char>(stream.get() ^ 0x10);
    stream.seekp(middle);
    stream.put(byte);
}

std::vector<fs::path> files_in(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (entry.is_regular_file()) files.push_back(entry.path());
    return files;
}

TEST(Restart, DamagedFilesAreNoticedAndHealed) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit;
        World world(seed, scenario_name(), kit);
        world.add_node({});
        world.add_node({.connect = {0}, .mine = false, .train = false, .snapshot_interval = 4});
        ASSERT_TRUE(world.run_until([&] { return world.agreed(14); }, 400'000))
            << world.replay_line();
        world.kill(1);
        const fs::path root = world.directory(1);
        const bool bodies = seed % 2 == 0;
        std::size_t damaged = 0;
        for (const fs::path& file : files_in(root / (bodies ? "bodies" : "snapshots"))) {
            if (bodies && world.random().below(3) != 0) continue;
            damage(file);
            ++damaged;
        }
        ASSERT_GT(damaged, 0U) << world.replay_line();
        world.start(1);
        world.run_ms(3'000);
        ASSERT_TRUE(world.run_until([&] { return world.agreed(20); }, 120'000))
            << world.replay_line() << (bodies ? " bodies" : " snapshots");
        EXPECT_EQ(world.saved_ledger(0), world.saved_ledger(1));
    }
}

}  // namespace
}  // namespace cairn::sim
