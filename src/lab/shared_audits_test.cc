// Proves that nodes which tell each other of proofs are rid of a liar sooner than each alone, as
// soon as the chance of any of them says, and that a patient liar's lies are bounded.
#include "lab/shared_audits.h"

#include <gtest/gtest.h>

namespace cairn::lab {
namespace {

TEST(SharedAudits, WhoIsToldIsRidOfALiarSooner) {
    SeededRandom random(1);
    const trust::TrustRules rules;
    // A new key is audited in every round, so any of 20 nodes finds a lie in five with a chance of
    // 1 - 0.8^20 in each round.
    EXPECT_NEAR(play_together({.nodes = 20}, rules, 2'000, random).mean, 1.0117, 0.02);
    EXPECT_NEAR(play_together({.nodes = 1}, rules, 5'000, random).mean, 5, 1.5);
    const SharedRounds alone = play_together({.nodes = 20, .told = false}, rules, 200, random);
    EXPECT_GT(alone.mean, 10) << "each has to find out for itself";
}

TEST(SharedAudits, WhoWaitsUntilAllTrustHimIsFoundInAFewRounds) {
    SeededRandom random(2);
    const trust::TrustRules rules;
    const SharedRounds told =
        play_together({.nodes = 20, .patient = true, .cheat_rate = 1}, rules, 500, random);
    EXPECT_LE(told.most, 5U);
    const SharedRounds alone = play_together(
        {.nodes = 20, .told = false, .patient = true, .cheat_rate = 1}, rules, 200, random);
    EXPECT_GT(alone.mean, 3 * told.mean);
    // Seldom lies last longest.
    const SharedRounds seldom =
        play_together({.nodes = 20, .patient = true, .cheat_rate = 0.05}, rules, 500, random);
    EXPECT_LE(seldom.p95, 30U);
    const SharedRounds joined = play_together(
        {.nodes = 5, .patient = true, .cheat_rate = 0.05, .newcomers = 5}, rules, 500, random);
    const SharedRounds without =
        play_together({.nodes = 5, .patient = true, .cheat_rate = 0.05}, rules, 500, random);
    EXPECT_LT(joined.mean, without.mean) << "who comes later audits every answer";
}

}  // namespace
}  // namespace cairn::lab
