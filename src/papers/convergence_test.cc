// Sketched federated training on quadratics stays below the corrected bounds, and with one winner a
// round its floor is the one that theory gives, above the paper's.
#include "papers/convergence.h"

#include <cmath>

#include <gtest/gtest.h>

#include "papers/sketch_draw.h"

namespace cairn::papers {
namespace {

double distance2(const Landscape& land) {
    double sum = 0;
    for (const double value : land.optimum) sum += value * value;
    return sum;
}

TEST(Convergence, DrawnSketchesHaveTheExactNormRatio) {
    SeededRandom random(1);
    const std::vector<double> h = {1, -2, 0.5, 3};
    for (const Sketch sketch : kAllSketches) {
        double mean = 0, squares = 0;
        constexpr int kDraws = 4000;
        for (int draw = 0; draw < kDraws; ++draw) {
            const auto r = draw_sketch(sketch, 4, 2, sketch == Sketch::kSparse1 ? 1 : 2, random);
            double ratio = 0;
            for (std::size_t j = 0; j < 4; ++j) {
                double value = 0;
                for (std::size_t i = 0; i < 2; ++i)
                    for (std::size_t l = 0; l < 4; ++l) value += r[i * 4 + j] * r[i * 4 + l] * h[l];
                ratio += value * value / 14.25;
            }
            mean += ratio / kDraws;
            squares += ratio * ratio / kDraws;
        }
        const double error = std::sqrt((squares - mean * mean) / kDraws);
        EXPECT_NEAR(mean, exact_norm_ratio(sketch, 4, 2), 4 * error + 1e-9) << name_of(sketch);
    }
}

TEST(Convergence, StaysBelowTheCorrectedBounds) {
    SeededRandom random(2);
    const QuadraticUsers users = random_users(4, 8, 3, random);
    const Landscape land = landscape(users);
    for (const Sketch sketch : kAllSketches)
        for (const Participation participation : {Participation::kFull, Participation::kWinner}) {
            FederatedRun run;
            run.local_steps = 4;
            run.rounds = 400;
            run.participation = participation;
            run.sketch = sketch;
            run.sketch_rows = 4;
            run.per_column = 2;
            const double alpha = exact_norm_ratio(sketch, 8, 4) - 1;
            run.eta = bounded_rate(land, run.local_steps, alpha);
            const ConvergenceBounds bounds = convergence_bounds(land, run, alpha, distance2(land));
            double mean = 0;
            constexpr int kSeeds = 20;
            for (int seed = 0; seed < kSeeds; ++seed)
                mean += gap(users, land, train(users, run, std::vector<double>(8), random).back()) /
                        kSeeds;
            EXPECT_LT(mean, participation == Participation::kFull ? bounds.full : bounds.winner)
                << name_of(sketch);
        }
}

/// The mean gap to the optimum over all rounds but the first tenth, from the optimum on.
double floor_of(const QuadraticUsers& users, const FederatedRun& run, std::uint64_t seed) {
    SeededRandom random(seed);
    const Landscape land = landscape(users);
    const auto path = train(users, run, land.optimum, random);
    const std::size_t from = path.size() / 10;
    double mean = 0;
    for (std::size_t t = from; t < path.size(); ++t)
        mean += gap(users, land, path[t]) / static_cast<double>(path.size() - from);
    return mean;
}

TEST(Convergence, SketchesOfTheirOwnLeaveAFloorThatASharedOneDoesNot) {
    SeededRandom random(4);
    const QuadraticUsers users = random_users(4, 8, 3, random);
    const Landscape land = landscape(users);
    FederatedRun run;
    run.local_steps = 4;
    run.rounds = 20'000;
    run.sketch = Sketch::kSrht;
    run.sketch_rows = 4;
    const double alpha = exact_norm_ratio(Sketch::kSrht, 8, 4) - 1;
    run.eta = bounded_rate(land, run.local_steps, alpha) / 16;
    const ConvergenceBounds bounds = convergence_bounds(land, run, alpha, 0);
    EXPECT_LT(floor_of(users, run, 5), bounds.full);
    run.own_sketches = true;
    EXPECT_GT(floor_of(users, run, 5), bounds.full);
    EXPECT_LT(floor_of(users, run, 5), bounds.own_sketches);
}

TEST(Convergence, OneWinnersFloorIsAboveThePapers) {
    // f_1,2 = 1/2 (x -+ 1)^2, K = 1: the stationary gap is eta / (2 (2 - eta)).
    const QuadraticUsers users{1, {{1}, {1}}, {{1}, {-1}}, {}};
    const Landscape land = landscape(users);
    EXPECT_DOUBLE_EQ(land.sigma2, 1);
    SeededRandom random(3);
    FederatedRun run;
    run.eta = 1.0 / 16;
    run.rounds = 100'000;
    run.participation = Participation::kWinner;
    const auto path = train(users, run, {0}, random);
    double mean = 0;
    for (std::size_t t = 1000; t < path.size(); ++t)
        mean += gap(users, land, path[t]) / static_cast<double>(path.size() - 1000);
    const double exact = run.eta / (2 * (2 - run.eta));
    EXPECT_NEAR(mean, exact, 0.05 * exact);
    EXPECT_GT(mean, convergence_bounds(land, run, 0, 0).printed);
    EXPECT_LT(mean, convergence_bounds(land, run, 0, 0).winner);
}

}  // namespace
}  // namespace cairn::papers
