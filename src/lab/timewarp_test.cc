// Proves that false timestamps neither ease nor harden targets by more than the clock error that
// is allowed, whoever tells them; that times which may go back to a median would let a fifth of the
// hash power stop the chain; and that the model of Bitcoin's rule shows its timewarp.
#include "lab/timewarp.h"

#include <gtest/gtest.h>

namespace cairn::lab {
namespace {

chain::NetworkDefinition far_from_the_limit() {
    chain::NetworkDefinition network;
    network.first_target = 0x1c7fffff;
    return network;
}

TEST(Timewarp, FalseTimesChangeTheRateOfBlocksByLittle) {
    const chain::NetworkDefinition network = far_from_the_limit();
    for (const double alpha : {0.1, 0.3, 0.51})
        for (const FalseTimes times :
             {FalseTimes::kNone, FalseTimes::kAhead, FalseTimes::kBehind, FalseTimes::kBoth}) {
            const TimewarpOutcome outcome =
                play_false_times(network, {TimeRule::kParent, alpha, times}, 20'000, 1);
            EXPECT_NEAR(outcome.blocks_per_spacing, 1, 0.03) << alpha << ' ' << name_of(times);
            EXPECT_LT(outcome.hardest, 1.5);
            EXPECT_LT(outcome.easiest, 1.5);
        }
}

TEST(Timewarp, TimesThatMayGoBackToTheMedianStopTheChain) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        const TimewarpOutcome outcome =
            play_false_times(far_from_the_limit(),
                             {TimeRule::kMedianOfEleven, 0.3, FalseTimes::kBehind}, 20'000, seed);
        EXPECT_GT(outcome.stopped_after, 0U) << seed;
        EXPECT_LT(outcome.stopped_hours, 2) << seed;
    }
}

TEST(Timewarp, HeldTimeCostsTheOthersLessThanTheAttacker) {
    for (const std::uint32_t held : {60U, 120U, 180U}) {
        const HeldOutcome outcome = play_held_time(far_from_the_limit(), 0.51, held, 1);
        EXPECT_LT(outcome.recovery_hours, outcome.attack_hours) << held;
    }
}

TEST(Timewarp, BitcoinsRuleIsEasedWithoutBound) {
    const std::vector<double> easier = play_bitcoin_timewarp(8);
    for (std::size_t i = 1; i < easier.size(); ++i) EXPECT_GT(easier[i], easier[i - 1]);
    EXPECT_GT(easier.back(), 50);
}

}  // namespace
}  // namespace cairn::lab
