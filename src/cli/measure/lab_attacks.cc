#include "cli/measure/lab_attacks.h"

#include <algorithm>
#include <map>
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/files.h"
#include "base/outputs.h"
#include "base/progress.h"
#include "base/shell_word.h"
#include "cli/chain/data_directory.h"
#include "cli/commands.h"
#include "cli/measure/lab_network_options.h"
#include "cli/option_checks.h"
#include "cli/options.h"
#include "console/json_line.h"
#include "lab/attack_runs.h"
#include "lab/attacks.h"

namespace cairn::cli {

namespace {

struct AttacksRequest {
    lab::AttackOptions nodes;  ///< with --dir
    lab::AttackRunOptions games;
    std::uint64_t seed = 1;
    std::uint32_t rounds = 0;  ///< 0: 8 of nodes, else 12
};

nlohmann::json to_json(const lab::AttackOutcome& outcome) {
    return {{"attack", outcome.name},
            {"dir", outcome.directory},
            {"key", to_hex(outcome.attacker)},
            {"tried", outcome.tried},
            {"merged", outcome.merged},
            {"reward", outcome.reward},
            {"honest_reward", outcome.honest_reward},
            {"reasons", outcome.reasons}};
}

void print(const lab::AttackOutcome& outcome, std::ostream& out) {
    const double share = outcome.honest_reward == 0
                             ? 0.0
                             : 100.0 * static_cast<double>(outcome.reward) /
                                   static_cast<double>(outcome.honest_reward);
    out << fmt::format("{:<15} tried {:>2}  merged {:>2}  earned {:5.1f} % of an honest trainer\n",
                       outcome.name, outcome.tried, outcome.merged, share);
    for (const std::string& reason : outcome.reasons) out << "    " << reason << '\n';
    out << fmt::format("    cairn explain {} --dir {}\n", short_hex(outcome.attacker),
                       shell_word(outcome.directory));
}

Status run_among_nodes(const lab::AttackOptions& options, bool json, std::ostream& out) {
    if (const auto names = list_folder(options.directory); names.ok() && !names->empty())
        return Error{ErrorCode::kRefused, options.directory + " is not empty: name another --dir"};
    if (is_file(options.directory))
        return misused("--dir " + options.directory + " is a file, and a folder is wanted");
    RETURN_IF_ERROR(check_outputs({{"--dir", options.directory + "/attacks"}}, {}));
    const SystemClock clock;
    Progress progress(clock, "attacks", lab::attack_count());
    ASSIGN_OR_RETURN(const auto outcomes,
                     lab::run_attacks(options, [&](std::size_t done) { progress.update(done); }));
    nlohmann::json list = nlohmann::json::array();
    for (const lab::AttackOutcome& outcome : outcomes) {
        if (json)
            list.push_back(to_json(outcome));
        else
            print(outcome, out);
    }
    if (json) out << console::json_line(nlohmann::json{{"attacks", list}});
    return ok_status();
}

nlohmann::json to_json(const lab::AttackRow& row) {
    return {{"attack", row.attack},
            {"seed", row.seed},
            {"reward", row.reward},
            {"honest_reward", row.honest_reward},
            {"share", row.share},
            {"compute_share", row.compute_share},
            {"committed", row.committed},
            {"merged", row.merged},
            {"rounds_merged", row.rounds_merged},
            {"honest_merged", row.honest_merged},
            {"harm", row.harm},
            {"report_loss", row.report_loss}};
}

nlohmann::json to_json(const lab::HonestRun& run) {
    return {{"seed", run.seed},
            {"rewards", run.rewards},
            {"merged", run.merged},
            {"empty_rounds", run.empty_rounds},
            {"report_losses", run.report_losses},
            {"drift", run.drift}};
}

/// Mean over the seeds, and what is worst for the network.
struct Line {
    double share = 0, worst_share = 0, compute = 0, merged = 0, honest_merged = 0, harm = 0;
    double worst_harm = -1;
    double per_stamp = 0;
    unsigned seeds = 0;
};

void print(const lab::AttackResults& results, std::uint32_t rounds, std::ostream& out) {
    std::vector<std::string> order;
    std::map<std::string, Line> lines;
    for (const lab::AttackRow& row : results.rows) {
        if (lines.find(row.attack) == lines.end()) order.push_back(row.attack);
        Line& line = lines[row.attack];
        ++line.seeds;
        line.share += row.share;
        line.worst_share = std::max(line.worst_share, row.share);
        line.compute += row.compute_share;
        line.merged += static_cast<double>(row.rounds_merged) / rounds;
        line.honest_merged += row.honest_merged;
        line.harm += row.harm;
        line.worst_harm = std::max(line.worst_harm, row.harm);
        if (row.committed > 0)
            line.per_stamp += row.share * rounds / static_cast<double>(row.committed);
    }
    out << fmt::format("{:<26}{:>9}{:>8}{:>10}{:>9}{:>8}{:>8}{:>8}{:>8}\n", "in % of an honest one",
                       "earned", "worst", "per stamp", "compute", "merged", "honest", "harm",
                       "worst");
    for (const std::string& name : order) {
        const Line& line = lines[name];
        const double percent = 100.0 / line.seeds;
        out << fmt::format(
            "{:<26}{:>9.1f}{:>8.1f}{:>10.1f}{:>9.1f}{:>8.0f}{:>8.0f}{:>8.1f}{:>8.1f}\n", name,
            line.share * percent, 100 * line.worst_share, line.per_stamp * percent,
            line.compute * percent, line.merged * percent, line.honest_merged * percent,
            line.harm * percent, 100 * line.worst_harm);
    }
    for (const lab::HonestRun& run : results.honest) {
        out << fmt::format(
            "the honest alone, seed {}: report loss {:.3f} to {:.3f}, drift {:.1f} %", run.seed,
            run.report_losses.front(), run.report_losses.back(), 100 * run.drift);
        for (std::size_t i = 0; i < run.rewards.size(); ++i)
            out << fmt::format("; merged {:.0f} %, earned {:.3g}", 100 * run.merged[i],
                               run.rewards[i]);
        out << '\n';
    }
}

Status run_games(const lab::AttackRunOptions& options, bool json, std::ostream& out) {
    ASSIGN_OR_RETURN(const tensor::Kernels* kernels, tensor::kernels_from_environment());
    const SystemClock clock;
    const std::size_t attacks =
        options.attacks.empty() ? lab::named_attacks().size() : options.attacks.size();
    Progress progress(clock, "runs", (attacks + 1) * options.seeds);
    ASSIGN_OR_RETURN(const lab::AttackResults results,
                     lab::run_attack_games(options, kernels, [&](std::size_t done, std::size_t) {
                         progress.update(done);
                     }));
    progress.clear();
    if (!json) {
        print(results, options.rounds, out);
        return ok_status();
    }
    nlohmann::json rows = nlohmann::json::array(), honest = nlohmann::json::array();
    for (const auto& row : results.rows) rows.push_back(to_json(row));
    for (const auto& run : results.honest) honest.push_back(to_json(run));
    out << console::json_line(nlohmann::json{{"attacks", rows}, {"honest", honest}});
    return ok_status();
}

Status run_lab_attacks(AttacksRequest& request, bool json, std::ostream& out) {
    if (!request.nodes.directory.empty()) {
        request.nodes.seed = request.seed;
        if (request.rounds > 0) request.nodes.rounds = request.rounds;
        return run_among_nodes(request.nodes, json, out);
    }
    lab::AttackRunOptions& games = request.games;
    games.seed = request.seed;
    if (request.rounds > 0) games.rounds = request.rounds;
    return run_games(games, json, out);
}

}  // namespace

void add_lab_attacks(const Command& group, Invocation& invocation) {
    const Command command = add_command(
        group, invocation, "attacks",
        "What contributions that do not play fair earn by the rules, and what they do to the "
        "model. With --dir a few of them in a simulated network of nodes, whose directories stay "
        "for `cairn explain`",
        "cairn lab attacks --network tiny --local-steps 10 --seeds 3\n"
        "  cairn lab attacks --dir /tmp/attacks");
    auto request = std::make_shared<AttacksRequest>();
    Option directory = named_folder(command.add_option(
        "--dir", request->nodes.directory, "Play among nodes; the folder for what they leave"));
    command.add_option("--seed", request->seed, "Of the (first) run")
        .check(any_seed())
        .capture_default_str();
    command
        .add_option("--rounds", request->rounds, "Rounds of each run (default: 12; among nodes 8)")
        .check(range(2, 1000));
    command.add_option("--seeds", request->games.seeds, "Runs of each attack")
        .check(range(1, 1000))
        .capture_default_str()
        .excludes(directory);
    command
        .add_option("--attack", request->games.attacks,
                    "Only this one; again for each (a wrong name lists all)")
        .excludes(directory);
    add_network_options(command, request->games.network, directory);
    command.callback([request, &invocation] {
        invocation.run = [request, &invocation](std::ostream& out) {
            return run_lab_attacks(*request, invocation.json, out);
        };
    });
}

}  // namespace cairn::cli
