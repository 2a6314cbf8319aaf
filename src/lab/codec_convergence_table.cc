#include "lab/codec_convergence_table.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/random.h"
#include "chain/codec_kinds.h"
#include "codec/codec.h"
#include "lab/codec_convergence.h"
#include "lab/codec_moments.h"

namespace cairn::lab {

namespace {

using chain::CodecKind;
using papers::Participation;
using papers::ResultTable;

constexpr std::size_t kDim = codec::kTile;
constexpr std::size_t kUsers = 4;
constexpr double kUnlike = 4;  // curvatures from 1 to this

}  // namespace

Result<ResultTable> codec_convergence_table(const CodecConvergenceRequest& request) {
    ResultTable table{"codec-convergence", {}, "", {}};
    SeededRandom random(15);
    const papers::QuadraticUsers users = papers::random_users(kUsers, kDim, kUnlike, random);
    const papers::Landscape land = papers::landscape(users);
    double distance2 = 0;
    for (const double value : land.optimum) distance2 += value * value;
    std::size_t below = 0;
    double largest = 0;
    for (std::size_t kind = 0; kind < std::size(chain::kCodecNames); ++kind) {
        if (static_cast<CodecKind>(kind) == CodecKind::kDense) continue;
        // A matrix without zeros costs time as it has rows.
        const bool slow = chain::is_dense_sketch(static_cast<CodecKind>(kind));
        const chain::CodecSpec codec{static_cast<CodecKind>(kind), slow ? 5U : 1U, 16};
        const double alpha = exact_norm_ratio(codec.kind, kDim, kDim >> codec.log2_ratio) - 1;
        for (const Participation who : {Participation::kFull, Participation::kWinner}) {
            for (const std::size_t k : {std::size_t{1}, std::size_t{4}}) {
                papers::FederatedRun run;
                run.local_steps = k;
                run.rounds = request.rounds;
                run.participation = who;
                run.eta = papers::bounded_rate(land, k, alpha);
                double sum = 0, squares = 0;
                for (std::size_t i = 0; i < request.seeds; ++i) {
                    ASSIGN_OR_RETURN(const double gap,
                                     gap_by_codec(users, land, run, codec, random));
                    sum += gap;
                    squares += gap * gap;
                }
                const auto n = static_cast<double>(request.seeds);
                const double mean = sum / n;
                const double error = std::sqrt(std::max(0.0, squares / n - mean * mean) / (n - 1));
                const auto bounds = papers::convergence_bounds(land, run, alpha, distance2);
                // Every payload has a seed of its own, as in the chain.
                const double bound =
                    who == Participation::kFull ? bounds.own_sketches : bounds.winner;
                below += mean + 3 * error <= bound ? 1 : 0;
                largest = std::max(largest, (mean + 3 * error) / bound);
                table.rows.push_back(
                    {{"codec", std::string(chain::name_of(codec.kind))},
                     {"values", static_cast<std::int64_t>(kDim >> codec.log2_ratio)},
                     {"participation",
                      std::string(who == Participation::kFull ? "full" : "winner")},
                     {"k", static_cast<std::int64_t>(k)},
                     {"eta", run.eta},
                     {"measured", mean},
                     {"standard_error", error},
                     {"bound", bound},
                     {"printed_bound", bounds.printed}});
            }
        }
    }
    table.found = fmt::format(
        "{} of {} means over {} seeds, plus three standard errors, stay below the corrected bound "
        "(at most {:.2g} of it) after {} rounds: {} users of {} parameters, every update a payload "
        "of the chain's codec at 16 bits, with a seed of its own.",
        below, table.rows.size(), request.seeds, largest, request.rounds, kUsers, kDim);
    return table;
}

}  // namespace cairn::lab
