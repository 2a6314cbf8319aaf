// `cairn lab NAME`: reproduces results.
#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/files.h"
#include "base/outputs.h"
#include "base/progress.h"
#include "cli/chain/data_directory.h"
#include "cli/commands.h"
#include "cli/measure/lab_gradients.h"
#include "cli/measure/lab_hash_power.h"
#include "cli/measure/lab_mining.h"
#include "cli/option_checks.h"
#include "console/json_line.h"
#include "lab/attacks.h"

namespace cairn::cli {

namespace {

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
                       outcome.directory);
}

Status run_lab_attacks(const lab::AttackOptions& options, bool json, std::ostream& out) {
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

}  // namespace

void add_lab(CLI::App& app, Invocation& invocation) {
    CLI::App* group = app.add_subcommand("lab", "Results that anybody can make again");
    group->require_subcommand(1);
    add_lab_gradients(*group, invocation);
    add_lab_hash_power(*group, invocation);
    add_lab_mining(*group, invocation);
    CLI::App* command = add_command(
        *group, invocation, "attacks",
        "Contributions that do not play fair, in a simulated network with a tiny real model",
        "cairn lab attacks --dir /tmp/attacks");
    auto options = std::make_shared<lab::AttackOptions>();
    named_folder(
        command->add_option("--dir", options->directory, "Folder for the directories left behind"))
        ->required();
    command->add_option("--seed", options->seed, "Of the simulated world")
        ->check(any_seed())
        ->capture_default_str();
    command->add_option("--rounds", options->rounds, "Rounds of each run")
        ->check(CLI::Range(2, 1000))
        ->capture_default_str();
    command->callback([options, &invocation] {
        invocation.run = [options, &invocation](std::ostream& out) {
            return run_lab_attacks(*options, invocation.json, out);
        };
    });
}

}  // namespace cairn::cli
