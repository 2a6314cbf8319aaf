// Proves that liars are found as the formula says, that none of the ways out of an audit is one,
// and what an honest server keeps among liars.
#include "lab/audit_lottery.h"

#include <gtest/gtest.h>

#include <cmath>

namespace cairn::lab {
namespace {

TEST(AuditLottery, FindsLiarsAsTheFormulaSays) {
    EXPECT_NEAR(found_by_formula(0.05, 0.2, 300), 0.950959, 5e-7);
    SeededRandom random(1);
    constexpr std::uint64_t kServers = 20'000;
    for (const LotteryPoint& point : play_lottery(0.05, 0.2, {10, 100, 300}, kServers, random)) {
        const double deviation =
            std::sqrt(point.formula * (1 - point.formula) / static_cast<double>(kServers));
        EXPECT_NEAR(point.played, point.formula, 4 * deviation) << point.answers;
    }
}

TEST(AuditLottery, NoBehaviourEscapes) {
    SeededRandom random(2);
    for (const Behaviour behaviour :
         {Behaviour::kSteady, Behaviour::kRefusesEvidence, Behaviour::kHonestUntilPaid,
          Behaviour::kColludingHops, Behaviour::kKnowsVerifier})
        for (const bool probation : {false, true}) {
            const ConvictionRounds rounds =
                play_behaviour(behaviour, 0.05, 0.2, probation, 500, random);
            EXPECT_EQ(rounds.never, 0) << behaviour_name(behaviour) << probation;
            const std::uint64_t bound = behaviour == Behaviour::kRefusesEvidence ? 12'000 : 3'000;
            EXPECT_LE(rounds.most, bound) << behaviour_name(behaviour) << probation;
        }
    // One look in 1 / (q f) finds it; who turns after it was paid is still audited often.
    EXPECT_NEAR(play_behaviour(Behaviour::kSteady, 0.05, 0.2, false, 5'000, random).mean, 100, 6);
    EXPECT_NEAR(play_behaviour(Behaviour::kHonestUntilPaid, 0.05, 0.2, true, 5'000, random).sold, 8,
                1);
    EXPECT_LT(play_behaviour(Behaviour::kSteady, 0.05, 0.2, true, 5'000, random).mean, 12);
}

TEST(AuditLottery, HonestServersKeepTheirShareAmongLiars) {
    constexpr int kMarkets = 100;
    for (const bool return_under_new_keys : {false, true}) {
        double liars = 0;
        double wrong = 0;
        for (std::uint64_t seed = 1; seed <= kMarkets; ++seed) {
            SeededRandom random(seed);
            MarketCase given;
            given.return_under_new_keys = return_under_new_keys;
            const MarketOutcome outcome = play_market(given, random);
            EXPECT_GE(outcome.least_honest, return_under_new_keys ? 0.9 : 0.95) << seed;
            EXPECT_EQ(outcome.honest_out, 0U) << seed;
            EXPECT_GE(outcome.keys, return_under_new_keys ? 4U : 0U);
            liars += outcome.liars_after / kMarkets;
            wrong += outcome.wrong_after / kMarkets;
        }
        // New keys carry what probation leaves them, and the few that pass it a little more.
        EXPECT_LE(liars, return_under_new_keys ? 0.04 : 0.01);
        EXPECT_LE(wrong, return_under_new_keys ? 0.01 : 0.002);
    }
}

}  // namespace
}  // namespace cairn::lab
