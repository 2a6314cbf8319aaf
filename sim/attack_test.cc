// Proves that dishonest contributions (sign-flipped, scaled, random, zero, copied at once and a
// round late) are refused or unpaid, or shows what they still earn, on a real model; and that the
// reason is among the records that `cairn explain` reads.
#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <set>

#include "sim/attackers.h"
#include "sim/scenario.h"
#include "sim/theft.h"
#include "sim/tiny_model.h"

namespace cairn::sim {
namespace {

constexpr std::uint32_t kRounds = 8;

struct Outcome {
    std::size_t tried = 0;
    std::size_t merged = 0;
    std::uint64_t reward = 0;
    std::set<std::string> reasons;
};

TinyModelKit& kit() {
    static TinyModelKit shared;
    return shared;
}

chain::CodecSpec codec() { return kit().network().codec; }

/// Three honest nodes and, as node 3, one that trains with `source` and does not mine.
std::unique_ptr<World> world_with(std::uint64_t seed,
                                  std::function<std::unique_ptr<node::DeltaSource>()> source) {
    auto world = std::make_unique<World>(seed, scenario_name(), kit());
    add_three(*world);
    world->add_node({.connect = {0, 1, 2}, .mine = false, .source = std::move(source)});
    return world;
}

/// What the records say of a node's contributions: those of node 0, which mines, and its own, for
/// what the pool refused never left it.
Outcome outcome_of(World& world, int number) {
    std::map<Hash256, store::ContributionRecord> records;
    for (const int keeper : {0, number}) {
        const std::vector<store::ContributionRecord> kept =
            world.store(keeper).contributions(crypto::public_key(world.key(number)), 1'000).value();
        for (const auto& record : kept) records.emplace(record.commitment_id, record);
    }
    Outcome outcome;
    for (const auto& [commitment, record] : records) {
        ++outcome.tried;
        outcome.merged += record.merged;
        outcome.reward += record.reward;
        if (!record.merged) outcome.reasons.insert(record.reason);
        EXPECT_FALSE(record.reason.empty()) << world.replay_line();
    }
    return outcome;
}

void print(const char* attack, const Outcome& attacker, std::uint64_t honest) {
    std::printf("%-12s tried %2zu, merged %2zu, earned %5.1f %% of an honest trainer\n", attack,
                attacker.tried, attacker.merged,
                honest == 0
                    ? 0.0
                    : 100.0 * static_cast<double>(attacker.reward) / static_cast<double>(honest));
    for (const std::string& reason : attacker.reasons) std::printf("    %s\n", reason.c_str());
}

/// Runs an attack; gives the attacker's outcome and the mean reward of the honest trainers.
std::pair<Outcome, std::uint64_t> run(const char* name, std::uint64_t seed, World& world) {
    const std::uint32_t end = kRounds * world.network().round_length;
    EXPECT_TRUE(
        world.run_until([&] { return world.height(0) > end && world.agreed(end); }, 400'000))
        << world.replay_line();
    std::uint64_t honest = 0;
    for (int i = 0; i < 3; ++i) honest += outcome_of(world, i).reward / 3;
    const Outcome attacker = outcome_of(world, 3);
    EXPECT_GT(honest, 0U) << world.replay_line();
    EXPECT_GT(attacker.tried, 0U) << world.replay_line();
    if (seed == 1) print(name, attacker, honest);
    return {attacker, honest};
}

std::pair<Outcome, std::uint64_t> spoil(const char* name, std::uint64_t seed, const Spoil& how) {
    const auto world = world_with(seed, [&] {
        return std::make_unique<SpoilingTrainer>(kit().make_trainer(3, seed), codec(), how);
    });
    return run(name, seed, *world);
}

/// The real model is slower than the fake: a few seeds in the fast tier.
std::vector<std::uint64_t> few_seeds() {
    std::vector<std::uint64_t> all = seeds();
    if (all.size() == 15) all.resize(2);
    return all;
}

bool mentions(const Outcome& outcome, const std::string& word) {
    return std::any_of(outcome.reasons.begin(), outcome.reasons.end(),
                       [&](const std::string& r) { return r.find(word) != std::string::npos; });
}

// What a trainer learnt that brings hardly anything costs hardly anything when it is flipped, and
// may be merged then: what counts is that it is not paid.
TEST(Attack, SignFlipped) {
    for (const std::uint64_t seed : few_seeds()) {
        const auto [attacker, honest] = spoil("sign-flipped", seed, sign_flipped());
        EXPECT_LE(attacker.merged, 1U) << seed;
        EXPECT_EQ(attacker.reward, 0U) << seed;
        EXPECT_TRUE(mentions(attacker, "raises the judge batch's loss"));
    }
}

TEST(Attack, ScaledFarUp) {
    for (const std::uint64_t seed : few_seeds()) {
        const auto [attacker, honest] = spoil("scaled-by-10", seed, scaled_by_10());
        EXPECT_EQ(attacker.merged, 0U);
        EXPECT_TRUE(mentions(attacker, "norm"));
    }
}

TEST(Attack, ScaledALittleEarnsNothingMore) {
    for (const std::uint64_t seed : few_seeds()) {
        const auto [attacker, honest] = spoil("scaled-by-1.4", seed, scaled_by_1_4());
        EXPECT_LE(attacker.reward, honest + honest / 4);
    }
}

TEST(Attack, Random) {
    for (const std::uint64_t seed : few_seeds()) {
        const auto [attacker, honest] = spoil("random", seed, random_signs(seed));
        EXPECT_LE(attacker.reward, honest / 50);
    }
}

TEST(Attack, Zero) {
    for (const std::uint64_t seed : few_seeds()) {
        const auto [attacker, honest] = spoil("zero", seed, all_zero());
        EXPECT_EQ(attacker.merged, 0U);
        EXPECT_FALSE(attacker.reasons.empty());
    }
}

TEST(Attack, CopiedARoundLate) {
    for (const std::uint64_t seed : few_seeds()) {
        World* at = nullptr;
        const auto world = world_with(seed, [&at] {
            const auto block_at = [&at](std::uint32_t height) -> Result<chain::Block> {
                return at->block_at(3, height);
            };
            const model::ParameterLayout layout(worth::model_config(kit().network()), codec::kTile);
            return std::make_unique<LateCopier>(kit().network(), codec(), layout.size(), block_at);
        });
        at = world.get();
        const auto [attacker, honest] = run("copied late", seed, *world);
        EXPECT_LE(attacker.reward, honest / 50) << world->replay_line();
    }
}

TEST(Attack, CopiedInTheSameRound) {
    for (const std::uint64_t seed : few_seeds()) {
        World world(seed, scenario_name(), kit());
        add_three(world);
        const int thief = world.add_node({.connect = {0, 1, 2}, .mine = false, .train = false});
        std::optional<Theft> theft;
        for (int round = 0; round < 20 && !theft; ++round) theft = steal(world, thief);
        ASSERT_TRUE(theft.has_value()) << world.replay_line();
        EXPECT_NE(theft->refused.find("payload is not the one"), std::string::npos)
            << theft->refused << world.replay_line();
        EXPECT_FALSE(theft->too_late.empty()) << world.replay_line();
        const auto records = world.store(thief).contributions(theft->own_commitment, 10).value();
        ASSERT_EQ(records.size(), 1U) << world.replay_line();
        EXPECT_EQ(records[0].reason, theft->refused);
        if (seed == 1) std::printf("copied at once\n    %s\n", theft->refused.c_str());
    }
}

TEST(Attack, HonestLossFalls) {
    World world(1, scenario_name(), kit());
    add_three(world);
    ASSERT_TRUE(world.run_until([&] { return world.height(0) > 32 && world.agreed(32); }, 400'000));
    world.run_ms(2'000);
    const auto merges = world.store(0).merges(0, 100).value();
    ASSERT_GE(merges.size(), 8U);
    ASSERT_TRUE(merges.front().report_loss && merges[7].report_loss);
    std::printf("report loss after 1 merge %.3f, after 8 merges %.3f\n",
                *merges.front().report_loss, *merges[7].report_loss);
    EXPECT_LT(*merges[7].report_loss, *merges.front().report_loss - 0.2);
}

}  // namespace
}  // namespace cairn::sim
