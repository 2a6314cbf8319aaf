// Proves that the search gives the same for a seed, best first, and what its objectives are.
#include "lab/adversary.h"

#include <gtest/gtest.h>

namespace cairn::lab {
namespace {

AdversaryOptions small(Objective objective) {
    AdversaryOptions options;
    options.network.local_steps = 4;
    options.tries = 4;
    options.rounds = 2;
    options.honest_rounds = 2;
    options.best = 3;
    options.replays = 1;
    options.objective = objective;
    return options;
}

const tensor::Kernels* kernels() { return tensor::kernels_from_environment().value(); }

TEST(Adversary, OneSeedIsOneSearchAndTheBestComesFirst) {
    const auto first = search_adversary(small(Objective::kHarm), kernels(), {});
    const auto again = search_adversary(small(Objective::kHarm), kernels(), {});
    ASSERT_TRUE(first.ok()) << first.error().message;
    ASSERT_TRUE(again.ok());
    ASSERT_EQ(first->size(), 3U);
    for (std::size_t i = 0; i < first->size(); ++i) {
        const Try& one = first->at(i);
        EXPECT_FALSE(describe(one.mixture).empty());
        EXPECT_EQ(describe(one.mixture), describe(again->at(i).mixture));
        EXPECT_EQ(one.objective, again->at(i).objective);
        EXPECT_EQ(one.replayed.harm, again->at(i).replayed.harm);
        EXPECT_EQ(one.objective, one.found.harm);
        EXPECT_GE(first->at(i == 0 ? 0 : i - 1).objective, one.objective);
    }
}

TEST(Adversary, WhoIsPaidLikeTheHonestForTheSameWorkStandsAtAboutOne) {
    EXPECT_NEAR(pay_for_work({.share = 1, .compute_share = 1}), 1, 0.05);
    EXPECT_GT(pay_for_work({.share = 0.2, .compute_share = 0.02}), 2);
    EXPECT_EQ(pay_for_work({.share = 0, .compute_share = 0}), 0);
}

TEST(Adversary, AMixtureIsDescribedInWords) {
    Mixture mixture;
    mixture.gradient = 0.3;
    mixture.behind_steps = 2;
    mixture.judge = 1;
    mixture.judge_steps = 3;
    mixture.rate = 2;
    mixture.norm = 0.5;
    mixture.keys = 2;
    EXPECT_EQ(describe(mixture),
              "0.3 of gradient behind 2 steps + 1 of 3 judge steps, at 2 rates, norm 0.5, 2 keys");
}

}  // namespace
}  // namespace cairn::lab
