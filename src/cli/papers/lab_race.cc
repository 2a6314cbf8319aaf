#include "cli/papers/lab_race.h"

#include <memory>

#include "cli/option_checks.h"
#include "cli/options.h"
#include "cli/papers/lab_result.h"
#include "lab/race_tables.h"

namespace cairn::cli {

namespace {

using papers::ResultTable;

struct WinnerRequest {
    std::string shares = "[1, 1, 1, 1]";
    std::uint64_t blocks = 5'000;
    std::uint64_t seed = 1;
};

Result<ResultTable> winner(const WinnerRequest& request) {
    ASSIGN_OR_RETURN(auto shares, numbers_of("--shares", request.shares));
    for (const double share : shares)
        if (!(share > 0) || share > 1e12)
            return misused("--shares: each is above 0, and 1e12 at most");
    return lab::winner_table({std::move(shares), request.blocks, request.seed},
                             progress_bar("blocks"));
}

}  // namespace

void add_lab_race(const Command& group, Invocation& invocation, LabPages& pages) {
    const auto races = std::make_shared<lab::RaceRequest>();
    Command command = add_result_command(
        group, invocation, "race", "Overtaking Z blocks, by the real fork choice and by formula",
        "cairn lab race --share 0.3 --confirmations 6 --runs 20000",
        [races] { return lab::race_table(*races, progress_bar("races")); });
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
    pages.push_back({'A', "Lemmas 9 and 36: a race of two branches",
                     [] { return lab::race_table({}, progress_bar("races")); }});
    pages.push_back(
        {'A', "Definition 24: winners for equal hash power", [] { return winner({}); }});
}

}  // namespace cairn::cli
