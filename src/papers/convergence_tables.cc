#include "papers/convergence_tables.h"

#include <cmath>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "papers/convergence.h"

namespace cairn::papers {

namespace {

constexpr std::size_t kDim = 8, kRows = 4, kUsers = 4;

const char* name_of(Participation participation) {
    return participation == Participation::kFull ? "full" : "winner";
}

struct Mean {
    double mean = 0;
    double error = 0;  ///< its standard error
};

Mean mean_of(const std::vector<double>& values) {
    double sum = 0, squares = 0;
    for (const double value : values) sum += value;
    const auto n = static_cast<double>(values.size());
    for (const double value : values) squares += (value - sum / n) * (value - sum / n);
    return {sum / n, n > 1 ? std::sqrt(squares / (n - 1) / n) : 0};
}

double distance2(const Landscape& land) {
    double sum = 0;
    for (const double value : land.optimum) sum += value * value;
    return sum;
}

/// Least squares of log(gap) over log(eta): the slope and its standard error.
std::pair<double, double> slope(const std::vector<double>& etas, const std::vector<double>& gaps) {
    const auto n = static_cast<double>(etas.size());
    double mx = 0, my = 0, sxx = 0, sxy = 0, rest = 0;
    for (std::size_t i = 0; i < etas.size(); ++i) {
        mx += std::log(etas[i]) / n;
        my += std::log(gaps[i]) / n;
    }
    for (std::size_t i = 0; i < etas.size(); ++i) {
        sxx += (std::log(etas[i]) - mx) * (std::log(etas[i]) - mx);
        sxy += (std::log(etas[i]) - mx) * (std::log(gaps[i]) - my);
    }
    const double found = sxy / sxx;
    for (std::size_t i = 0; i < etas.size(); ++i) {
        const double off = std::log(gaps[i]) - my - found * (std::log(etas[i]) - mx);
        rest += off * off;
    }
    return {found, std::sqrt(rest / (n - 2) / sxx)};
}

/// Who contributes to a round, and through what.
struct FloorCase {
    const char* name;
    Participation participation;
    std::optional<Sketch> sketch;
    bool own_sketches;
};
constexpr FloorCase kFloorCases[] = {
    {"full", Participation::kFull, std::nullopt, false},
    {"winner", Participation::kWinner, std::nullopt, false},
    {"full, a shared sketch", Participation::kFull, Sketch::kSrht, false},
    {"full, sketches of their own", Participation::kFull, Sketch::kSrht, true}};

double bound_of(const ConvergenceBounds& bounds, const FloorCase& given) {
    if (given.participation == Participation::kWinner) return bounds.winner;
    return given.own_sketches ? bounds.own_sketches : bounds.full;
}

}  // namespace

ResultTable convergence_table(const ConvergenceRequest& request, const TableProgress& progress) {
    SeededRandom random(request.seed);
    const QuadraticUsers users = random_users(kUsers, kDim, 3, random);
    const Landscape land = landscape(users);
    ResultTable table{"convergence", {}, "", {}};
    std::size_t within = 0, above_printed = 0;
    double closest = 0;
    const std::size_t total = std::size(kAllSketches) * 2 * 3 * request.seeds;
    std::size_t done = 0;
    for (const Sketch sketch : kAllSketches)
        for (const Participation participation : {Participation::kFull, Participation::kWinner})
            for (const std::size_t k : {std::size_t{1}, std::size_t{4}, std::size_t{16}}) {
                FederatedRun run{k, 0, request.rounds, participation, sketch, kRows, 2};
                const double alpha = exact_norm_ratio(sketch, kDim, kRows) - 1;
                run.eta = bounded_rate(land, k, alpha);
                const auto bounds = convergence_bounds(land, run, alpha, distance2(land));
                std::vector<double> gaps;
                for (std::size_t i = 0; i < request.seeds; ++i) {
                    gaps.push_back(gap(
                        users, land, train(users, run, std::vector<double>(kDim), random).back()));
                    ++done;
                    if (progress) progress(done, total);
                }
                const Mean found = mean_of(gaps);
                const double bound =
                    participation == Participation::kFull ? bounds.full : bounds.winner;
                within += found.mean + 3 * found.error <= bound;
                above_printed += found.mean - 3 * found.error > bounds.printed;
                closest = std::max(closest, (found.mean + 3 * found.error) / bound);
                table.rows.push_back({{"sketch", std::string(name_of(sketch))},
                                      {"participation", std::string(name_of(participation))},
                                      {"k", static_cast<std::int64_t>(k)},
                                      {"eta", run.eta},
                                      {"measured", found.mean},
                                      {"standard_error", found.error},
                                      {"bound", bound},
                                      {"printed_bound", bounds.printed}});
            }
    table.found = fmt::format(
        "{} users of {} parameters, sketches of {} numbers: {} of {} means over {} seeds, plus "
        "three standard errors, stay below the corrected bound (at most {:.2f} of it) after {} "
        "rounds; {}, less as much, lie above the printed one.",
        kUsers, kDim, kRows, within, table.rows.size(), request.seeds, closest, request.rounds,
        above_printed);
    return table;
}

ResultTable winner_floor_table(const ConvergenceRequest& request) {
    constexpr std::size_t kFloorDim = 2, kFloorRows = 1;
    SeededRandom random(request.seed);
    const QuadraticUsers users = random_users(kUsers, kFloorDim, 3, random);
    const Landscape land = landscape(users);
    ResultTable table{"winner-floor", {}, "", {}};
    std::string fits;
    for (const FloorCase& given : kFloorCases) {
        const double alpha =
            given.sketch ? exact_norm_ratio(*given.sketch, kFloorDim, kFloorRows) - 1 : 0;
        std::vector<double> etas, floors;
        for (const int halvings : {0, 1, 2, 3, 4, 5}) {
            FederatedRun run;
            run.local_steps = 4;
            run.eta = bounded_rate(land, 4, alpha) / std::pow(2, halvings);
            run.rounds = std::size_t{20'000} << halvings;
            run.participation = given.participation;
            run.sketch = given.sketch;
            run.sketch_rows = kFloorRows;
            run.own_sketches = given.own_sketches;
            const auto path = train(users, run, land.optimum, random);
            // The first tenth is left out: from the optimum the floor is yet to be reached.
            double floor = 0;
            const std::size_t from = path.size() / 10;
            for (std::size_t t = from; t < path.size(); ++t)
                floor += gap(users, land, path[t]) / static_cast<double>(path.size() - from);
            etas.push_back(run.eta);
            floors.push_back(floor);
            const auto bounds = convergence_bounds(land, run, alpha, 0);
            table.rows.push_back({{"participation", std::string(given.name)},
                                  {"eta", run.eta},
                                  {"measured", floor},
                                  {"bound", bound_of(bounds, given)},
                                  {"printed_bound", bounds.printed},
                                  {"log2_eta", std::log2(run.eta)},
                                  {"log2_measured", std::log2(floor)}});
        }
        const auto [found, error] = slope(etas, floors);
        fits += fmt::format("{}{} {:.2f} +- {:.2f}", fits.empty() ? "" : "; ", given.name, found,
                            error);
    }
    table.found = fmt::format(
        "Slope of the log of the floor over the log of eta, K = 4, {} users of unlike curvature, "
        "one run for each step size: {}. One winner a round leaves a floor linear in eta, which "
        "the paper's quadratic one does not cover; averaging all leaves a quadratic one, also "
        "through a sketch that all share, but not through one of each user's own.",
        kUsers, fits);
    table.pictures = {{"The floor under training, by step size", "log2_eta", "log2_measured",
                       "participation", "log2 eta", "log2 of the mean gap to the optimum"}};
    return table;
}

ResultTable bias_table(const ConvergenceRequest& request, const TableProgress& progress) {
    ResultTable table{"bias", {}, "", {}};
    SeededRandom random(request.seed);
    double first = 0, last = 0;
    constexpr std::size_t kRuns = 8;
    for (const std::size_t count :
         {std::size_t{2}, std::size_t{8}, std::size_t{32}, std::size_t{128}})
        for (const bool equal : {true, false}) {
            // Half of the users want 1, the other half -1; unequal: the first half has three
            // quarters of the hash power.
            QuadraticUsers users{1, {}, {}, {}};
            double expected = 0;
            for (std::size_t c = 0; c < count; ++c) {
                const double wants = c < count / 2 ? 1 : -1;
                users.curvature.push_back({1});
                users.minimum.push_back({wants});
                const double part = equal ? 0.5 : wants > 0 ? 0.75 : 0.25;
                users.power.push_back(part / (static_cast<double>(count) / 2));
                expected += users.power.back() * wants;
            }
            FederatedRun run;
            run.eta = 0.02;
            run.rounds = request.rounds * 250;
            run.participation = Participation::kWinner;
            const auto path = train(users, run, {expected}, random);
            double mean = 0;
            for (const auto& x : path) mean += x[0] / static_cast<double>(path.size());
            if (!equal) (count == 2 ? first : last) = mean;
            // The winners' minima are +-1 and independent; the model is a running mean of them.
            const double error =
                std::sqrt((1 - expected * expected) / static_cast<double>(run.rounds));
            table.rows.push_back({{"users", static_cast<std::int64_t>(count)},
                                  {"power", std::string(equal ? "equal" : "3 to 1")},
                                  {"measured", mean},
                                  {"standard_error", error},
                                  {"expected", expected}});
            if (progress) progress(table.rows.size(), kRuns);
        }
    table.found = fmt::format(
        "Where one half of the users has three quarters of the hash power, the model settles "
        "{:.2f} "
        "off the common optimum with 2 users and {:.2f} with 128: the bias follows the power, and "
        "does not become negligible with many users.",
        first, last);
    return table;
}

}  // namespace cairn::papers
