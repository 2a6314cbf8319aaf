// Proves that the paper's network and the one that merges everybody's both learn as real nodes,
// from one seed and the same twice; and how many blocks a miner is expected to find.
#include "lab/paper_chain.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace cairn::lab {
namespace {

PaperChainCase small_case(bool one_winner) {
    PaperChainCase given;
    given.one_winner = one_winner;
    given.codec = {chain::CodecKind::kDense, 0, 8};
    given.miners = {{2}, {2}};
    return given;
}

TEST(PaperChain, BothNetworksLearn) {
    for (const bool one_winner : {true, false}) {
        const auto outcome = run_paper_chain(small_case(one_winner), 12, 1, {}).value();
        ASSERT_EQ(outcome.losses.size(), one_winner ? 13U : 4U);
        EXPECT_EQ(outcome.losses.front().block, 0U);
        EXPECT_EQ(outcome.losses.back().block, 12U);
        EXPECT_LT(outcome.losses.back().mean, outcome.losses.front().mean - 0.1);
        EXPECT_EQ(outcome.won[0] + outcome.won[1], 12U);
        EXPECT_GT(outcome.block_hashes, 10);
        if (one_winner) {
            EXPECT_EQ(outcome.merged, 12U);
        }
    }
}

TEST(PaperChain, OneSeedOneOutcome) {
    PaperChainCase given = small_case(true);
    given.unlike = true;
    const auto once = run_paper_chain(given, 5, 7, {}).value();
    const auto again = run_paper_chain(given, 5, 7, {}).value();
    ASSERT_EQ(once.losses.size(), 6U);
    for (std::size_t i = 0; i < 6; ++i) {
        ASSERT_EQ(once.losses[i].by_text.size(), 2U);
        EXPECT_EQ(once.losses[i].by_text, again.losses[i].by_text);
    }
    EXPECT_EQ(once.won, again.won);
}

TEST(PaperChain, WinsFollowHashPowerAndWhoBeginsFirst) {
    const auto even = expected_wins({{1, 500}, {3, 500}}, 100);
    EXPECT_NEAR(even[0], 0.25, 1e-12);
    EXPECT_NEAR(even[1], 0.75, 1e-12);
    // The first searches alone for 20 slices of 4 hashes: half of the blocks at 80 / ln 2 hashes.
    const auto late = expected_wins({{4, 0}, {4, 1'000}}, 80 / std::log(2.0));
    EXPECT_NEAR(late[0], 0.75, 1e-12);
    EXPECT_NEAR(late[1], 0.25, 1e-12);
    const auto three = expected_wins({{1, 100}, {2, 700}, {5, 300}}, 64);
    EXPECT_NEAR(std::reduce(three.begin(), three.end()), 1, 1e-12);
}

}  // namespace
}  // namespace cairn::lab
