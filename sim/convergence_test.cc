// Proves that nodes agree: over slow and broken links, after partitions, after late joining; that
// payments confirm; and that one seed always gives the same history.
#include "sim/paying.h"
#include "sim/scenario.h"

namespace cairn::sim {
namespace {

TEST(Convergence, ThreeNodesAgree) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit;
        World world(seed, scenario_name(), kit);
        add_three(world);
        world.run_ms(60'000);
        ASSERT_TRUE(world.run_until([&] { return world.agreed(16); }, 60'000))
            << world.replay_line();
        EXPECT_GT(world.node(0).status().supply, 0U) << world.replay_line();
        // Everybody trains, so everybody has earned.
        for (int i = 0; i < 3; ++i)
            EXPECT_GT(world.node(i).status().training.merged, 0U) << world.replay_line();
    }
}

TEST(Convergence, OneSeedOneHistory) {
    const auto history = [](std::uint64_t seed) {
        FakeModelKit kit;
        WorldOptions options;
        options.links.break_per_million = 2'000;
        World world(seed, scenario_name(), kit, options);
        add_three(world);
        world.run_ms(40'000);
        return std::make_tuple(world.tip(0), world.tip(1), world.tip(2), world.fabric().messages(),
                               world.scheduler().steps());
    };
    EXPECT_EQ(history(7), history(7));
    EXPECT_NE(history(7), history(8));
}

TEST(Convergence, SlowAndBrokenLinks) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit;
        WorldOptions options;
        options.links.max_delay_us = 400'000;
        options.links.break_per_million = 20'000;
        options.links.bytes_per_s = 100'000;
        World world(seed, scenario_name(), kit, options);
        world.add_node({.clock_skew_ms = 800});
        world.add_node({.connect = {0}, .clock_skew_ms = -800});
        world.add_node({.connect = {0, 1}});
        world.run_ms(90'000);
        EXPECT_TRUE(world.failure().empty()) << world.replay_line();
        EXPECT_GT(world.fabric().broken_links(), 0U) << world.replay_line();
        world.fabric().set_options({});
        ASSERT_TRUE(world.run_until([&] { return world.agreed(16); }, 90'000))
            << world.replay_line();
    }
}

TEST(Convergence, PartitionAndHeal) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit;
        World world(seed, scenario_name(), kit);
        add_three(world);
        world.run_ms(20'000);
        ASSERT_TRUE(world.run_until([&] { return world.agreed(1); }, 60'000));
        const int alone = static_cast<int>(seed % 3);
        const int other = (alone + 1) % 3;
        world.partition({alone});
        const std::uint32_t fork = world.height(alone);
        ASSERT_TRUE(world.run_until(
            [&] { return world.height(alone) > fork + 1 && world.height(other) > fork + 1; },
            120'000))
            << world.replay_line();
        EXPECT_FALSE(world.agreed()) << world.replay_line();
        world.heal();
        ASSERT_TRUE(world.run_until([&] { return world.agreed(16); }, 120'000))
            << world.replay_line();
        std::uint64_t reorganisations = 0;
        for (int i = 0; i < 3; ++i) reorganisations += world.node(i).status().reorganisations;
        EXPECT_GT(reorganisations, 0U) << world.replay_line();
    }
}

Hash256 tip_of(const consensus::Ledger& ledger) { return ledger.tip(); }

TEST(Convergence, ALateNodeReachesTheSameState) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit;
        World world(seed, scenario_name(), kit);
        add_three(world);
        world.run_ms(60'000);
        const int late = world.add_node({.connect = {1}, .mine = false, .train = false});
        // The ledgers, too: a lane may be a block ahead of what its loop has heard.
        ASSERT_TRUE(world.run_until(
            [&] {
                return world.height(late) >= 16 && world.agreed(world.height(0)) &&
                       world.ledger(late, tip_of) == world.ledger(0, tip_of);
            },
            60'000))
            << world.replay_line();
        EXPECT_EQ(world.node(late).status().state_root, world.node(0).status().state_root);
        EXPECT_EQ(world.saved_ledger(late), world.saved_ledger(0));
    }
}

std::optional<chain::Payment> pay_some(World& world, int from, const crypto::PublicKey& to) {
    return make_payment(world, from, to, 1'000'000, 1'000);
}

TEST(Convergence, PaymentsConfirm) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit;
        World world(seed, scenario_name(), kit);
        add_three(world);
        const auto has_coin = [&] { return pay_some(world, 0, {}).has_value(); };
        ASSERT_TRUE(world.run_until(has_coin, 120'000)) << world.replay_line();
        const crypto::PublicKey to =
            crypto::public_key(crypto::SecretKey::generate(world.random()));
        const chain::Payment payment = pay_some(world, 0, to).value();
        std::string refused = "no answer";
        world.node(0).submit_payment(chain::encode(payment), [&](const Result<Hash256>& answer) {
            refused = answer.ok() ? "" : answer.error().message;
        });
        // While it waits, whoever asks is told which coins it spends and makes.
        std::vector<node::CoinView> waiting;
        world.run_ms(50);
        world.node(0).coins_of(
            {to, crypto::public_key(world.key(0))},
            [&](const Result<std::vector<node::CoinView>>& answer) { waiting = *answer; });
        world.run_ms(50);
        std::size_t spent = 0, pending = 0;
        for (const node::CoinView& coin : waiting) {
            EXPECT_EQ(coin.spent, !coin.pending && coin.txid == payment.inputs[0].id);
            spent += coin.spent;
            pending += coin.pending;
        }
        EXPECT_EQ(spent, 1U) << world.replay_line();
        EXPECT_EQ(pending, 2U) << world.replay_line();
        const auto confirmed = [&] {
            return world.store(2).payment(chain::payment_id(payment)).ok() &&
                   world.store(1).payment(chain::payment_id(payment)).ok();
        };
        ASSERT_TRUE(world.run_until(confirmed, 60'000)) << world.replay_line() << refused;
        std::vector<node::CoinView> coins;
        world.node(2).coins_of(
            {to}, [&](const Result<std::vector<node::CoinView>>& answer) { coins = *answer; });
        world.run_ms(1'000);
        ASSERT_EQ(coins.size(), 1U) << world.replay_line();
        EXPECT_EQ(coins[0].amount, payment.outputs[0].amount);
        // Spent coins cannot be spent again.
        world.node(1).submit_payment(chain::encode(payment), [&](const Result<Hash256>& answer) {
            refused = answer.ok() ? "" : answer.error().message;
        });
        world.run_ms(1'000);
        EXPECT_NE(refused, "") << world.replay_line();
    }
}

TEST(Convergence, ReturnedPaymentsAreKeptWhileTheyAreJudgedAndThenCounted) {
    for (const std::uint64_t seed : seeds()) {
        FakeModelKit kit;
        World world(seed, scenario_name(), kit);
        add_three(world);
        const auto has_coin = [&] { return pay_some(world, 0, {}).has_value(); };
        ASSERT_TRUE(world.run_until(has_coin, 120'000)) << world.replay_line();
        const chain::Payment good = pay_some(world, 0, crypto::public_key(world.key(1))).value();
        chain::Payment bad = good;
        bad.outputs[0].amount += 1'000'000;
        std::optional<std::size_t> pooled;
        world.node(0).take_up_payments({good, bad}, [&](std::size_t count) { pooled = count; });
        EXPECT_EQ(world.node(0).payments_to_keep().size(), 2U) << world.replay_line();
        // No further than that: a block may take the payment soon.
        for (int i = 0; i < 10'000 && !pooled; ++i) world.scheduler().step();
        EXPECT_EQ(pooled, 1U) << world.replay_line();
        EXPECT_EQ(world.node(0).payments_to_keep(), std::vector<chain::Payment>{good});
    }
}

}  // namespace
}  // namespace cairn::sim
