#include "lab/race_tables.h"

#include <cmath>

#include <fmt/format.h>

#include "base/random.h"
#include "lab/race.h"

namespace cairn::lab {

using papers::ResultTable;

ResultTable race_table(const RaceRequest& request, const papers::TableProgress& progress) {
    SeededRandom random(request.seed);
    ResultTable table{"race", {}, "", {}};
    double worst = 0;
    const std::uint64_t total = request.shares.size() * request.confirmations.size() * request.runs;
    std::uint64_t done = 0;
    const auto played_one = [&] {
        if (++done % 1000 == 0 && progress) progress(done, total);
    };
    for (const double share : request.shares)
        for (const unsigned confirmations : request.confirmations) {
            const RaceOdds odds = race_odds(share, confirmations);
            const RaceRuns played =
                play_races(share, confirmations, request.runs, random, played_one);
            const double error =
                std::sqrt(odds.exact * (1 - odds.exact) / static_cast<double>(request.runs));
            const double off = error > 0 ? std::fabs(played.won - odds.exact) / error : 0;
            worst = std::max(worst, off);
            table.rows.push_back({{"share", share},
                                  {"confirmations", static_cast<std::int64_t>(confirmations)},
                                  {"simulated", played.won},
                                  {"exact", odds.exact},
                                  {"standard_errors", off},
                                  {"exact_if_ties_win", odds.ties_win},
                                  {"nakamoto", odds.nakamoto},
                                  {"ties", played.tied},
                                  {"tie_rule", std::string("first seen stays")}});
        }
    table.found = fmt::format(
        "By the program's fork choice, {} races a point: at most {:.1f} standard errors from the "
        "exact odds for its tie rule (of equal work the branch seen first stays, so the attacker "
        "must be a block ahead); Nakamoto's figures let a tie win and are off by up to his "
        "approximation.",
        request.runs, worst);
    table.pictures = {{"Overtaking a payment, by the attacker's share", "confirmations",
                       "simulated", "share", "confirmations", "part of the races won"}};
    return table;
}

ResultTable winner_table(const WinnerRequest& request, const papers::TableProgress& progress) {
    const std::vector<double>& shares = request.shares;
    double sum = 0;
    for (const double share : shares) sum += share;
    SeededRandom random(request.seed);
    std::uint64_t done = 0;
    const auto won = count_winners(shares, request.blocks, random, [&] {
        if (++done % 100 == 0 && progress) progress(done, request.blocks);
    });
    ResultTable table{"winner", {}, "", {}};
    double chi = 0;
    for (std::size_t i = 0; i < shares.size(); ++i) {
        const double expected = shares[i] / sum;
        const double here = static_cast<double>(won[i]) / static_cast<double>(request.blocks);
        const double count = expected * static_cast<double>(request.blocks);
        chi +=
            (static_cast<double>(won[i]) - count) * (static_cast<double>(won[i]) - count) / count;
        table.rows.push_back({{"miner", static_cast<std::int64_t>(i + 1)},
                              {"share", shares[i]},
                              {"expected", expected},
                              {"won", here},
                              {"blocks", static_cast<std::int64_t>(won[i])},
                              {"standard_error", std::sqrt(expected * (1 - expected) /
                                                           static_cast<double>(request.blocks))}});
    }
    table.found = fmt::format(
        "{} blocks searched by the miner's own nonce search: chi-squared {:.2f} with {} degrees of "
        "freedom. Winners are uniform, as Claim 25 supposes, only where hash power is equal.",
        request.blocks, chi, shares.size() - 1);
    return table;
}

}  // namespace cairn::lab
