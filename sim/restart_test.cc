// Proves that a node killed at any instant starts again from its disk, consistent, and catches up;
// and that damaged snapshots and bodies cost time but corrupt nothing.
#include <filesystem>
#include <fstream>

#include "sim/paying.h"
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

// Links are far quicker than the disk here: who told peers of its block before it had stored it
// would be killed in between.
TEST(Restart, ABlockThatPeersHeardOfIsOnItsFindersDisk) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit;
        WorldOptions options;
        options.links = {.min_delay_us = 1, .max_delay_us = 10};
        options.chain_lane = {50'000, 200'000};
        World world(seed, scenario_name(), kit, options);
        world.add_node({});
        world.add_node({.connect = {0}, .mine = false, .train = false});
        for (int i = 0; i < 6; ++i) {
            const auto heard = [&] { return world.node(1).chain().tree().best_header(); };
            const Hash256 before = heard()->hash;
            while (heard()->hash == before) ASSERT_TRUE(world.scheduler().step());
            const Hash256 found = heard()->hash;
            world.kill(0);
            world.start(0);
            EXPECT_TRUE(world.store(0).has_body(found)) << world.replay_line();
            world.run_ms(3'000);
        }
        EXPECT_EQ(world.failure(), "");
    }
}

/// A world of one node that has a coin to spend.
class Payer {
  public:
    explicit Payer(std::uint64_t seed) : world_(seed, scenario_name(), kit_) {
        world_.add_node({});
        const auto has_coin = [this] { return make().has_value(); };
        CHECK(world_.run_until(has_coin, 240'000));
        payment_ = *make();
    }

    World& world() { return world_; }
    /// The answer to whoever submits the payment.
    Result<Hash256> submit() {
        std::optional<Result<Hash256>> told;
        world_.node(0).submit_payment(chain::encode(payment_),
                                      [&](const Result<Hash256>& answer) { told = answer; });
        while (!told) CHECK(world_.scheduler().step());
        return *told;
    }
    bool is_pooled() {
        return world_.node(0).mempool().contains(node::ItemKind::kPayment,
                                                 chain::payment_id(payment_));
    }

  private:
    std::optional<chain::Payment> make() {
        return make_payment(world_, 0, crypto::public_key(world_.key(0)), 1'000, 2'000);
    }

    FakeModelKit kit_;
    World world_;
    chain::Payment payment_;
};

TEST(Restart, APaymentThatWasConfirmedOutlivesAKill) {
    for (const std::uint64_t seed : seeds()) {
        Payer payer(seed);
        ASSERT_TRUE(payer.submit().ok());
        payer.world().spec(0).mine = false;
        payer.world().kill(0);
        payer.world().start(0);
        payer.world().run_ms(2'000);
        EXPECT_TRUE(payer.is_pooled()) << payer.world().replay_line();
    }
}

TEST(Restart, APaymentThatCannotBeKeptIsRefused) {
    Payer payer(1);
    payer.world().set_disk_faults(0, {.full = true});
    const Result<Hash256> answer = payer.submit();
    ASSERT_FALSE(answer.ok());
    EXPECT_NE(answer.error().message.find("was not sent"), std::string::npos);
    EXPECT_FALSE(payer.is_pooled());
    payer.world().set_disk_faults(0, {});
    EXPECT_TRUE(payer.submit().ok());
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
