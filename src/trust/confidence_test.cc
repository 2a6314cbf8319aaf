// Proves that the bounds are those of Clopper and Pearson, by closed forms, by published values and
// by the tail of the binomial distribution that defines them.
#include "trust/confidence.h"

#include <gtest/gtest.h>

#include <cmath>

namespace cairn::trust {
namespace {

TEST(Confidence, AllRightHasAClosedForm) {
    // n of n: p^n = 0.05. The value for 20 is the one that the 5 % quantile of Beta(20, 1) gives.
    EXPECT_NEAR(lower_bound(20, 20), 0.860892, 5e-7);
    for (const double n : {1.0, 3.0, 14.0, 300.0})
        EXPECT_NEAR(lower_bound(n, n), std::pow(0.05, 1 / n), 1e-12);
    EXPECT_EQ(lower_bound(0, 20), 0.0);
    EXPECT_EQ(lower_bound(0, 0), 0.0);
    EXPECT_EQ(upper_bound(20, 20), 1.0);
    EXPECT_EQ(upper_bound(0, 0), 1.0);
    EXPECT_NEAR(upper_bound(0, 5), 1 - std::pow(0.05, 0.2), 1e-12);
}

// The probability of `from` successes or more in n trials.
double tail(int from, int n, double p) {
    double sum = 0;
    for (int k = from; k <= n; ++k)
        sum += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                        k * std::log(p) + (n - k) * std::log1p(-p));
    return sum;
}

TEST(Confidence, TheBoundIsWhereTheTailIsFivePercent) {
    for (const auto& [k, n] : {std::pair(1, 10), {9, 10}, {18, 20}, {95, 100}, {290, 300}}) {
        EXPECT_NEAR(tail(k, n, lower_bound(k, n)), 0.05, 1e-9) << k << " of " << n;
        EXPECT_NEAR(1 - tail(k + 1, n, upper_bound(k, n)), 0.05, 1e-9) << k << " of " << n;
    }
    // At 97.5 % it is one side of the usual interval of 95 %: 8 of 10, as R's binom.test says.
    EXPECT_NEAR(lower_bound(8, 10, 0.975), 0.4439045, 5e-8);
    EXPECT_NEAR(upper_bound(8, 10, 0.975), 0.9747893, 5e-8);
}

TEST(Confidence, FractionsLieBetweenWholeNumbers) {
    EXPECT_GT(lower_bound(3.5, 3.5), lower_bound(3, 3));
    EXPECT_LT(lower_bound(3.5, 3.5), lower_bound(4, 4));
    EXPECT_LT(lower_bound(19.3, 20.1), lower_bound(19.3, 19.9));
}

}  // namespace
}  // namespace cairn::trust
