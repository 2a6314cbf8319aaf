#include "cli/papers/lab_race.h"

#include <cmath>
#include <memory>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/progress.h"
#include "cli/option_checks.h"
#include "cli/options.h"
#include "cli/papers/lab_result.h"
#include "lab/race.h"

namespace cairn::cli {

namespace {

using papers::ResultTable;

struct RaceRequest {
    std::vector<double> shares = {0.1, 0.2, 0.3, 0.4};
    std::vector<unsigned> confirmations = {1, 2, 4, 6, 10};
    std::uint64_t runs = 20'000;
    std::uint64_t seed = 1;
};

Result<ResultTable> race(const RaceRequest& request) {
    SeededRandom random(request.seed);
    ResultTable table{"race", {}, "", {}};
    double worst = 0;
    const SystemClock clock;
    Progress progress(clock, "races",
                      request.shares.size() * request.confirmations.size() * request.runs);
    std::uint64_t done = 0;
    const auto played_one = [&] {
        if (++done % 1000 == 0) progress.update(done);
    };
    for (const double share : request.shares)
        for (const unsigned confirmations : request.confirmations) {
            const lab::RaceOdds odds = lab::race_odds(share, confirmations);
            const lab::RaceRuns played =
                lab::play_races(share, confirmations, request.runs, random, played_one);
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

struct WinnerRequest {
    std::string shares = "[1, 1, 1, 1]";
    std::uint64_t blocks = 5'000;
    std::uint64_t seed = 1;
};

Result<ResultTable> winner(const WinnerRequest& request) {
    ASSIGN_OR_RETURN(const auto shares, numbers_of("--shares", request.shares));
    double sum = 0;
    for (const double share : shares) {
        if (!(share > 0) || share > 1e12)
            return misused("--shares: each is above 0, and 1e12 at most");
        sum += share;
    }
    SeededRandom random(request.seed);
    const SystemClock clock;
    Progress progress(clock, "blocks", request.blocks);
    std::uint64_t done = 0;
    const auto won = lab::count_winners(shares, request.blocks, random, [&] {
        if (++done % 100 == 0) progress.update(done);
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

}  // namespace

void add_lab_race(const Command& group, Invocation& invocation, LabPages& pages) {
    const auto races = std::make_shared<RaceRequest>();
    Command command = add_result_command(
        group, invocation, "race", "Overtaking Z blocks, by the real fork choice and by formula",
        "cairn lab race --share 0.3 --confirmations 6 --runs 20000",
        [races] { return race(*races); });
    command.add_option("--share", races->shares, "The attacker's part of the hash power")
        .check(range(0.001, 0.499));
    command.add_option("--confirmations", races->confirmations, "Blocks that the payee waits for")
        .check(range(0U, 1000U));
    command.add_option("--runs", races->runs, "Races for each")
        .check(range(std::uint64_t{1}, std::uint64_t{10'000'000}))
        .capture_default_str();
    command.add_option("--seed", races->seed, "Of chance").check(any_seed()).capture_default_str();

    const auto winners = std::make_shared<WinnerRequest>();
    command = add_result_command(group, invocation, "winner",
                                 "Who finds blocks, for equal and unequal hash power",
                                 "cairn lab winner --shares '[1, 2, 5]' --blocks 5000",
                                 [winners] { return winner(*winners); });
    command.add_option("--shares", winners->shares, "Hash power of each miner, as JSON")
        .capture_default_str();
    command.add_option("--blocks", winners->blocks, "Blocks to find")
        .check(range(std::uint64_t{1}, std::uint64_t{1'000'000}))
        .capture_default_str();
    command.add_option("--seed", winners->seed, "Of chance")
        .check(any_seed())
        .capture_default_str();
    pages.push_back({'A', "Lemmas 9 and 36: a race of two branches", [] { return race({}); }});
    pages.push_back(
        {'A', "Definition 24: winners for equal hash power", [] { return winner({}); }});
}

}  // namespace cairn::cli
