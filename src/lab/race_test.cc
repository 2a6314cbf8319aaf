// The race by the real fork choice has the odds that theory gives for its tie rule, and nonces are
// found in proportion to hash power.
#include "lab/race.h"

#include <cmath>

#include <gtest/gtest.h>

namespace cairn::lab {
namespace {

double standard_error(double p, double runs) { return std::sqrt(p * (1 - p) / runs); }

TEST(Race, FollowsTheExactOddsOfItsTieRule) {
    constexpr std::uint64_t kRuns = 5'000;
    SeededRandom random(1);
    for (const double share : {0.1, 0.3, 0.4})
        for (const unsigned confirmations : {0U, 1U, 2U, 6U}) {
            const double exact = race_odds(share, confirmations).exact;
            const RaceRuns runs = play_races(share, confirmations, kRuns, random);
            EXPECT_LE(std::fabs(runs.won - exact), 3.5 * standard_error(exact, kRuns) + 1e-12)
                << share << ' ' << confirmations;
            EXPECT_GE(runs.tied, runs.won * 0.5);
        }
}

TEST(Race, ATieThatWinsIsEasierThanOneThatLoses) {
    // By hand, Z = 1: the attacker has m blocks with probability p q^m and must gain 2 - m.
    const double q = 0.3, p = 0.7, r = q / p;
    EXPECT_NEAR(race_odds(q, 1).exact, p * r * r + p * q * r + (1 - p - p * q), 1e-12);
    for (const unsigned z : {1U, 3U, 6U}) {
        EXPECT_LT(race_odds(q, z).exact, race_odds(q, z).ties_win);
        EXPECT_GT(race_odds(q, z).exact, race_odds(q, z + 1).exact);
    }
    EXPECT_EQ(race_odds(0.5, 6).exact, 1);
    EXPECT_NEAR(race_odds(0.1, 6).ties_win, 0.0005914, 1e-7);
    EXPECT_NEAR(race_odds(0.1, 6).nakamoto, 0.0002428, 1e-7);
}

TEST(Race, WinnersAreDrawnByHashPower) {
    SeededRandom random(2);
    constexpr std::uint64_t kBlocks = 3'000;
    const std::vector<double> shares = {1, 1, 2};
    const auto won = count_winners(shares, kBlocks, random);
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < shares.size(); ++i) {
        all += won[i];
        const double expected = shares[i] / 4;
        EXPECT_NEAR(static_cast<double>(won[i]) / kBlocks, expected,
                    3.5 * standard_error(expected, kBlocks));
    }
    EXPECT_EQ(all, kBlocks);
}

}  // namespace
}  // namespace cairn::lab
