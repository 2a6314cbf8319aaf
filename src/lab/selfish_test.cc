// Proves that the formula, the played strategy and real nodes agree on what withholding earns, and
// that it begins to pay where the paper says.
#include "lab/selfish.h"

#include <gtest/gtest.h>

namespace cairn::lab {
namespace {

TEST(Selfish, ThresholdsAreThoseOfThePaper) {
    EXPECT_NEAR(selfish_revenue(1.0 / 3, 0), 1.0 / 3, 1e-12);
    EXPECT_NEAR(selfish_revenue(0.25, 0.5), 0.25, 1e-12);
    EXPECT_LT(selfish_revenue(0.32, 0), 0.32);
    EXPECT_GT(selfish_revenue(0.35, 0), 0.35);
}

TEST(Selfish, ThePlayedStrategyFollowsTheFormula) {
    for (const double alpha : {0.2, 0.3, 0.4})
        for (const double gamma : {0.0, 0.5, 1.0})
            EXPECT_NEAR(selfish_revenue_played(alpha, gamma, 1'000'000, 1),
                        selfish_revenue(alpha, gamma), 0.005)
                << alpha << ' ' << gamma;
}

// 500 blocks: the figure itself is off by some hundredths.
TEST(Selfish, RealNodesFollowTheFormulaToo) {
    const auto outcome = run_selfish({0.4, true, false}, 500, 1);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_LT(outcome->gamma, 0.2);
    EXPECT_NEAR(outcome->revenue, selfish_revenue(0.4, outcome->gamma), 0.1);
    const auto fair = run_selfish({0.4, false, false}, 500, 1);
    ASSERT_TRUE(fair.ok()) << fair.error().message;
    EXPECT_NEAR(fair->revenue, 0.4, 0.08);
    EXPECT_LT(outcome->contributions, fair->contributions);
}

}  // namespace
}  // namespace cairn::lab
