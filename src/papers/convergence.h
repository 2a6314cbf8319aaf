// Federated training with K local steps and sketched updates (papers A: Alg 5) on users whose
// losses are quadratics, where optimum, curvature and noise are known: what it reaches, beside the
// bounds.
//   f_c(x) = 1/2 sum_i h_ci (x_i - m_ci)^2
// Full participation averages all users' sketched updates; in a chain with one contribution a block
// only the winner's counts (papers A: Def 72), and the paper's bound no longer holds.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/random.h"
#include "papers/sketch_moments.h"

namespace cairn::papers {

struct QuadraticUsers {
    std::size_t dim = 0;
    std::vector<std::vector<double>> curvature;  ///< h, [users][dim], all above 0
    std::vector<std::vector<double>> minimum;    ///< m, [users][dim]
    std::vector<double> power;                   ///< of winning a round, adds up to 1; empty: equal
};

/// Curvatures between 1 and `unlike` (at least 1), normal minima.
QuadraticUsers random_users(std::size_t users, std::size_t dim, double unlike, Random& random);

/// Of the mean of all users' losses.
struct Landscape {
    std::vector<double> optimum;
    double mu = 0;          ///< least curvature of any user
    double smoothness = 0;  ///< L: the greatest
    double sigma2 = 0;      ///< mean over users of |grad f_c|^2 at the optimum
    std::size_t users = 0;  ///< N
};
Landscape landscape(const QuadraticUsers& users);
/// f(x) - f(optimum).
double gap(const QuadraticUsers& users, const Landscape& land, const std::vector<double>& x);

enum class Participation { kFull, kWinner };

struct FederatedRun {
    std::size_t local_steps = 1;  ///< K
    double eta = 0;               ///< of a local step
    std::size_t rounds = 0;       ///< T
    Participation participation = Participation::kFull;
    std::optional<Sketch> sketch;  ///< none: updates as they are
    std::size_t sketch_rows = 0;   ///< s
    std::size_t per_column = 1;
    /// Each user's update by a matrix of its own, as in this program's chain; else all share the
    /// round's, as in the paper.
    bool own_sketches = false;
};

/// The model after each round, from `start` on ([rounds + 1][dim]).
std::vector<std::vector<double>> train(const QuadraticUsers& users, const FederatedRun& run,
                                       std::vector<double> start, Random& random);

/// 1 / (8 (1 + alpha) L K), the largest rate for which the bounds are claimed.
double bounded_rate(const Landscape& land, std::size_t local_steps, double alpha);

/// Bounds of E f(x_T) - f*; `alpha` is the sketch's (0 without one), `distance2` |x_0 - optimum|^2.
struct ConvergenceBounds {
    double printed = 0;  ///< papers A: Theorem 15, for both
    double full = 0;     ///< proved for full participation with one matrix a round
    /// Proved for full participation with a matrix for each user: what its error adds does not
    /// vanish with the mean gradient, so the floor is linear in eta, alpha / N of a winner's.
    double own_sketches = 0;
    double winner = 0;  ///< proved for the winner's update alone: its floor is linear in eta
};
ConvergenceBounds convergence_bounds(const Landscape& land, const FederatedRun& run, double alpha,
                                     double distance2);

}  // namespace cairn::papers
