#include "cli/papers/lab_convergence.h"

#include <memory>

#include "cli/option_checks.h"
#include "cli/options.h"
#include "cli/papers/lab_result.h"
#include "papers/convergence_tables.h"

namespace cairn::cli {

namespace {

using papers::ConvergenceRequest;
using papers::ResultTable;
using Make = ResultTable (*)(const ConvergenceRequest&, const papers::TableProgress&);

auto with_bar(Make make) {
    return
        [make](const ConvergenceRequest& request) { return make(request, progress_bar("runs")); };
}

}  // namespace

void add_lab_convergence(const Command& group, Invocation& invocation, LabPages& pages) {
    const auto add = [&](const char* name, const char* what, const char* example, auto run) {
        const auto request = std::make_shared<ConvergenceRequest>();
        const Command command = add_result_command(group, invocation, name, what, example,
                                                   [request, run] { return run(*request); });
        command.add_option("--rounds", request->rounds, "Rounds of each run")
            .check(range(std::size_t{1}, std::size_t{100'000}))
            .capture_default_str();
        command.add_option("--seed", request->seed, "Of chance")
            .check(any_seed())
            .capture_default_str();
        return std::pair{command, request};
    };
    const auto [command, request] =
        add("convergence", "Paper A's Theorem 15 with every sketch, measured beside its bounds",
            "cairn lab convergence --seeds 100", with_bar(papers::convergence_table));
    command.add_option("--seeds", request->seeds, "Runs that are averaged")
        .check(range(std::size_t{2}, std::size_t{100'000}))
        .capture_default_str();
    add("bias", "Where training settles when hash power is unequal", "cairn lab bias",
        with_bar(papers::bias_table));
    const auto floor = std::make_shared<ConvergenceRequest>();
    add_result_command(group, invocation, "winner-floor",
                       "How far from the optimum one winner a round stays, by step size",
                       "cairn lab winner-floor --out pictures",
                       [floor] { return papers::winner_floor_table(*floor); })
        .add_option("--seed", floor->seed, "Of chance")
        .check(any_seed())
        .capture_default_str();
    pages.push_back(
        {'A', "Theorem 15: convergence", [] { return with_bar(papers::convergence_table)({}); }});
    pages.push_back(
        {'A', "The floor under one winner a round", [] { return papers::winner_floor_table({}); }});
    pages.push_back({'A', "Claim 25: bias by unequal hash power",
                     [] { return with_bar(papers::bias_table)({}); }});
}

}  // namespace cairn::cli
