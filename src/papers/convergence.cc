#include "papers/convergence.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/uniform.h"
#include "papers/sketch_draw.h"

namespace cairn::papers {

namespace {

using Vector = std::vector<double>;

/// K steps of gradient descent on one user's loss; what they change.
Vector local_update(const QuadraticUsers& users, std::size_t user, const FederatedRun& run,
                    const Vector& start) {
    Vector x = start;
    for (std::size_t k = 0; k < run.local_steps; ++k)
        for (std::size_t i = 0; i < x.size(); ++i)
            x[i] -= run.eta * users.curvature[user][i] * (x[i] - users.minimum[user][i]);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] -= start[i];
    return x;
}

/// R^T R v.
Vector returned(const Vector& r, std::size_t rows, const Vector& v) {
    Vector out(v.size());
    for (std::size_t row = 0; row < rows; ++row) {
        const double* const entries = r.data() + row * v.size();
        double sum = 0;
        for (std::size_t j = 0; j < v.size(); ++j) sum += entries[j] * v[j];
        for (std::size_t j = 0; j < v.size(); ++j) out[j] += entries[j] * sum;
    }
    return out;
}

Vector returned_by_drawn(const FederatedRun& run, const Vector& update, Random& random) {
    return returned(
        draw_sketch(*run.sketch, update.size(), run.sketch_rows, run.per_column, random),
        run.sketch_rows, update);
}

std::size_t draw_winner(const QuadraticUsers& users, Random& random) {
    if (users.power.empty()) return random.below(users.curvature.size());
    double at = uniform(random);
    std::size_t user = 0;
    while (user + 1 < users.power.size() && at >= users.power[user]) at -= users.power[user++];
    return user;
}

}  // namespace

QuadraticUsers random_users(std::size_t count, std::size_t dim, double unlike, Random& random) {
    QuadraticUsers users;
    users.dim = dim;
    for (std::size_t c = 0; c < count; ++c) {
        users.curvature.emplace_back();
        users.minimum.emplace_back();
        for (std::size_t i = 0; i < dim; ++i) {
            users.curvature.back().push_back(1 + (unlike - 1) * uniform(random));
            users.minimum.back().push_back(normal(random));
        }
    }
    return users;
}

Landscape landscape(const QuadraticUsers& users) {
    const std::size_t count = users.curvature.size();
    CHECK(count > 0);
    Landscape land{Vector(users.dim), users.curvature[0][0], users.curvature[0][0], 0, count};
    for (std::size_t i = 0; i < users.dim; ++i) {
        double weighted = 0, sum = 0;
        for (std::size_t c = 0; c < count; ++c) {
            const double h = users.curvature[c][i];
            weighted += h * users.minimum[c][i];
            sum += h;
            land.mu = std::min(land.mu, h);
            land.smoothness = std::max(land.smoothness, h);
        }
        land.optimum[i] = weighted / sum;
    }
    for (std::size_t c = 0; c < count; ++c)
        for (std::size_t i = 0; i < users.dim; ++i) {
            const double slope = users.curvature[c][i] * (land.optimum[i] - users.minimum[c][i]);
            land.sigma2 += slope * slope / static_cast<double>(count);
        }
    return land;
}

double gap(const QuadraticUsers& users, const Landscape& land, const Vector& x) {
    double sum = 0;
    for (const Vector& curvature : users.curvature)
        for (std::size_t i = 0; i < users.dim; ++i)
            sum += curvature[i] * (x[i] - land.optimum[i]) * (x[i] - land.optimum[i]) / 2;
    return sum / static_cast<double>(users.curvature.size());
}

std::vector<Vector> train(const QuadraticUsers& users, const FederatedRun& run, Vector start,
                          Random& random) {
    std::vector<Vector> path = {std::move(start)};
    const std::size_t count = users.curvature.size();
    for (std::size_t round = 0; round < run.rounds; ++round) {
        const Vector& theta = path.back();
        Vector update(users.dim);
        if (run.participation == Participation::kWinner) {
            update = local_update(users, draw_winner(users, random), run, theta);
        } else {
            for (std::size_t c = 0; c < count; ++c) {
                Vector mine = local_update(users, c, run, theta);
                if (run.sketch && run.own_sketches) mine = returned_by_drawn(run, mine, random);
                for (std::size_t i = 0; i < users.dim; ++i)
                    update[i] += mine[i] / static_cast<double>(count);
            }
        }
        // Where all share the round's matrix, sketching the average is averaging the sketches.
        const bool done = run.own_sketches && run.participation == Participation::kFull;
        if (run.sketch && !done) update = returned_by_drawn(run, update, random);
        Vector next = theta;
        for (std::size_t i = 0; i < users.dim; ++i) next[i] += update[i];
        path.push_back(std::move(next));
    }
    return path;
}

double bounded_rate(const Landscape& land, std::size_t local_steps, double alpha) {
    return 1 / (8 * (1 + alpha) * land.smoothness * static_cast<double>(local_steps));
}

ConvergenceBounds convergence_bounds(const Landscape& land, const FederatedRun& run, double alpha,
                                     double distance2) {
    const auto k = static_cast<double>(run.local_steps), t = static_cast<double>(run.rounds);
    const double eta = run.eta, l = land.smoothness, mu = land.mu;
    const double falls = std::exp(-mu * eta * k * t) * distance2;
    ConvergenceBounds bounds;
    bounds.printed = l / 2 * std::exp(-mu * eta * t) * distance2 +
                     4 * eta * eta * l * l * k * k * k * land.sigma2 / mu;
    bounds.full = l / 2 * falls + 1.16 * eta * eta * l * l * k * k * land.sigma2 / mu;
    bounds.own_sketches =
        l / 2 * (falls + 3 * alpha / static_cast<double>(land.users) * eta * k * land.sigma2 / mu) +
        1.22 * eta * eta * l * l * k * k * land.sigma2 / mu;
    bounds.winner = l / 2 * (falls + 3.31 * (1 + alpha) * eta * k * land.sigma2 / mu);
    return bounds;
}

}  // namespace cairn::papers
