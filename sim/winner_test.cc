// Proves that real nodes keep a network of one winner a block: they agree on coins and model over
// reorganisations, restarts and late joining; every block's update is by who found it and was made
// on its parent's model; whoever mines without training finds blocks as his hash power says.
#include "sim/scenario.h"
#include "sim/tiny_model.h"

#include "node/network_presets.h"

namespace cairn::sim {
namespace {

/// The part of the active chain's blocks that carries an update; each is by the block's miner.
double carrying(World& world, int number) {
    const std::uint32_t top = world.height(number);
    std::uint32_t with = 0;
    for (std::uint32_t height = 1; height <= top; ++height) {
        const chain::Block block = world.block_at(number, height).value();
        EXPECT_TRUE(block.commitments.empty());
        EXPECT_LE(block.contributions.size(), 1U);
        if (block.contributions.empty()) continue;
        ++with;
        EXPECT_EQ(block.coinbase.outputs.size(), 1U);
        EXPECT_EQ(block.coinbase.outputs[0].key, block.coinbase.miner);
    }
    return top == 0 ? 0 : static_cast<double>(with) / top;
}

bool same_ledgers(World& world) {
    const auto tip = [](const consensus::Ledger& ledger) { return ledger.tip(); };
    for (int i = 1; i < static_cast<int>(world.size()); ++i)
        if (world.ledger(i, tip) != world.ledger(0, tip)) return false;
    return true;
}

/// Runs take less than what miners wait for them.
WorldOptions quick_runs() {
    WorldOptions options;
    options.train_lane = {100'000, 400'000};
    return options;
}

TEST(Winner, ThreeNodesAgreeAndEveryBlockHasItsMinersUpdate) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit(one_winner_definition());
        World world(seed, scenario_name(), kit, quick_runs());
        add_three(world);
        world.run_ms(60'000);
        ASSERT_TRUE(
            world.run_until([&] { return world.agreed(12) && same_ledgers(world); }, 120'000))
            << world.replay_line();
        EXPECT_EQ(carrying(world, 0), 1) << world.replay_line();
        EXPECT_EQ(world.saved_ledger(0), world.saved_ledger(1)) << world.replay_line();
        EXPECT_EQ(world.saved_ledger(0), world.saved_ledger(2)) << world.replay_line();
        EXPECT_EQ(world.node(0).status().supply, world.height(0) * world.network().subsidy_unit)
            << world.replay_line();
        for (int i = 0; i < 3; ++i)
            EXPECT_GT(world.node(i).status().training.merged, 0U) << world.replay_line();
        EXPECT_TRUE(world.failure().empty()) << world.replay_line();
    }
}

TEST(Winner, WhoMinesWithoutTrainingFindsEmptyBlocks) {
    FakeModelKit kit(one_winner_definition());
    World world(3, scenario_name(), kit);
    world.add_node({});
    world.add_node({.connect = {0}, .train = false});
    ASSERT_TRUE(world.run_until([&] { return world.agreed(30); }, 300'000)) << world.replay_line();
    const double part = carrying(world, 0);
    EXPECT_GT(part, 0.1) << world.replay_line();
    EXPECT_LT(part, 0.9) << world.replay_line();
    EXPECT_EQ(world.node(1).status().training.merged, 0U);
    EXPECT_TRUE(world.failure().empty()) << world.replay_line();
}

/// A network of three who train for `run_ms`, and one with a tenth of the hash power whose update
/// costs nothing: the part of the blocks that is his.
double won_by_who_does_not_train(std::uint64_t run_ms) {
    constexpr std::uint32_t kBlocks = 150;
    FakeModelKit kit(one_winner_definition());
    WorldOptions options;
    options.train_lane = {run_ms * 1'000, run_ms * 1'000};
    World world(5, scenario_name(), kit, options);
    for (int i = 0; i < 3; ++i)
        world.add_node(
            {.connect = i == 0 ? std::vector<int>{} : std::vector<int>{0}, .hashes_per_slice = 3});
    const int cheat = world.add_node({.connect = {0, 1, 2}, .hashes_per_slice = 1});
    world.loop(cheat).set_lane_time(Lane::kTrain, {0, 0});
    EXPECT_TRUE(world.run_until([&] { return world.agreed(kBlocks); }, 3'600'000))
        << world.replay_line();
    std::uint32_t his = 0;
    for (std::uint32_t height = 1; height <= kBlocks; ++height)
        his += world.block_at(0, height)->coinbase.miner == crypto::public_key(world.key(cheat));
    EXPECT_TRUE(world.failure().empty()) << world.replay_line();
    return static_cast<double>(his) / kBlocks;
}

// Their hash power would rest for as long as they train, and all that searches be his: he would
// find most blocks, could undo any, and be paid for each.
TEST(Winner, WhoDoesNotTrainFindsNoMoreBlocksThanHisHashPowerSays) {
    for (const std::uint64_t run_ms : {400U, 1'000U, 4'000U}) {
        const double won = won_by_who_does_not_train(run_ms);
        RecordProperty("won_at_" + std::to_string(run_ms) + "_ms", std::to_string(won));
        EXPECT_GT(won, 0.03) << run_ms;
        EXPECT_LT(won, 0.25) << run_ms;
    }
}

TEST(Winner, BranchesAreTakenBackAndKilledNodesComeBack) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit(one_winner_definition());
        World world(seed, scenario_name(), kit);
        world.add_node({.snapshot_interval = 4});
        world.add_node({.connect = {0}, .max_undo = 2});
        world.add_node({.connect = {0, 1}});
        ASSERT_TRUE(world.run_until([&] { return world.agreed(4); }, 120'000))
            << world.replay_line();
        const int alone = static_cast<int>(seed % 3);
        const int other = (alone + 1) % 3;
        world.partition({alone});
        const std::uint32_t fork = world.height(alone);
        ASSERT_TRUE(world.run_until(
            [&] { return world.height(alone) > fork + 2 && world.height(other) > fork + 2; },
            240'000))
            << world.replay_line();
        world.kill(alone);
        world.run_ms(500);
        world.start(alone);
        world.run_ms(1'000);
        EXPECT_GT(world.height(alone), fork + 2) << world.replay_line();
        world.heal();
        ASSERT_TRUE(
            world.run_until([&] { return world.agreed(fork + 6) && same_ledgers(world); }, 240'000))
            << world.replay_line();
        for (int i = 1; i < 3; ++i)
            EXPECT_EQ(world.saved_ledger(i), world.saved_ledger(0)) << world.replay_line();
        const int late = world.add_node({.connect = {0}, .mine = false, .train = false});
        ASSERT_TRUE(
            world.run_until([&] { return world.agreed(8) && same_ledgers(world); }, 120'000))
            << world.replay_line();
        EXPECT_EQ(world.saved_ledger(late), world.saved_ledger(0)) << world.replay_line();
        EXPECT_TRUE(world.failure().empty()) << world.replay_line();
    }
}

TEST(Winner, PlainDescentOfARealModelLowersItsLossAndIsTheSameEverywhere) {
    chain::NetworkDefinition rules = one_winner_definition();
    node::set_sgd(rules);
    TinyModelKit kit(rules);
    World world(1, scenario_name(), kit, quick_runs());
    world.add_node({});
    world.add_node({.connect = {0}});
    ASSERT_TRUE(world.run_until([&] { return world.agreed(25) && same_ledgers(world); }, 300'000))
        << world.replay_line();
    EXPECT_EQ(carrying(world, 0), 1) << world.replay_line();
    EXPECT_EQ(world.saved_ledger(0), world.saved_ledger(1)) << world.replay_line();
    const auto merges = world.store(0).merges(0, 1'000).value();
    ASSERT_GE(merges.size(), 25U);
    EXPECT_LT(*merges.back().judge_loss_after, *merges.front().judge_loss_before - 0.3)
        << world.replay_line();
    EXPECT_TRUE(world.failure().empty()) << world.replay_line();
}

}  // namespace
}  // namespace cairn::sim
