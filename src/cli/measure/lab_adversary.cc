#include "cli/measure/lab_adversary.h"

#include <memory>
#include <ostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/measure/lab_network_options.h"
#include "cli/option_checks.h"
#include "cli/options.h"
#include "console/json_line.h"
#include "lab/adversary.h"

namespace cairn::cli {

namespace {

struct AdversaryRequest {
    lab::AdversaryOptions search;
    std::string objective = "reward";
};

nlohmann::json to_json(const lab::Played& played) {
    return {{"share", played.share},
            {"compute_share", played.compute_share},
            {"honest_merged", played.honest_merged},
            {"harm", played.harm},
            {"rounds_merged", played.rounds_merged}};
}

nlohmann::json to_json(const lab::Mixture& mixture) {
    return {{"gradient", mixture.gradient},
            {"batches", mixture.batches},
            {"behind_steps", mixture.behind_steps},
            {"foreseen", mixture.foreseen},
            {"signs", mixture.signs},
            {"judge", mixture.judge},
            {"judge_steps", mixture.judge_steps},
            {"own", mixture.own},
            {"own_steps", mixture.own_steps},
            {"rate", mixture.rate},
            {"copies", mixture.copies},
            {"mean", mixture.mean},
            {"mean_rounds", mixture.mean_rounds},
            {"merges", mixture.merges},
            {"old_merges", mixture.old_merges},
            {"noise", mixture.noise},
            {"norm", mixture.norm},
            {"keys", mixture.keys},
            {"key_noise", mixture.key_noise}};
}

Status run_lab_adversary(AdversaryRequest& request, bool json, std::ostream& out) {
    lab::AdversaryOptions& search = request.search;
    search.objective =
        request.objective == "harm" ? lab::Objective::kHarm : lab::Objective::kReward;
    ASSIGN_OR_RETURN(const tensor::Kernels* kernels, tensor::kernels_from_environment());
    const SystemClock clock;
    const std::size_t best = std::min(search.best, search.tries);
    Progress progress(clock, "tries", search.tries + best * search.replays);
    ASSIGN_OR_RETURN(const auto tries,
                     lab::search_adversary(search, kernels, [&](std::size_t done, std::size_t) {
                         progress.update(done);
                     }));
    progress.clear();
    nlohmann::json list = nlohmann::json::array();
    if (!json)
        out << fmt::format(
            "{:>9}{:>9}{:>8}{:>9}{:>8}   in % of an honest trainer; \"again\": with "
            "other seeds\n",
            "earned", "compute", "harm", "again", "harm");
    for (const lab::Try& one : tries) {
        if (!json)
            out << fmt::format("{:>9.1f}{:>9.1f}{:>8.1f}{:>9.1f}{:>8.1f}   {}\n",
                               100 * one.found.share, 100 * one.found.compute_share,
                               100 * one.found.harm, 100 * one.replayed.share,
                               100 * one.replayed.harm, lab::describe(one.mixture));
        list.push_back({{"what", lab::describe(one.mixture)},
                        {"parameters", to_json(one.mixture)},
                        {"objective", one.objective},
                        {"found", to_json(one.found)},
                        {"again", to_json(one.replayed)}});
    }
    if (json)
        out << console::json_line(nlohmann::json{{"objective", request.objective},
                                                 {"seed", search.seed},
                                                 {"tries", search.tries},
                                                 {"best", list}});
    return ok_status();
}

}  // namespace

void add_lab_adversary(const Command& group, Invocation& invocation) {
    const Command command = add_command(
        group, invocation, "adversary",
        "Look for the attacker that the rules pay best for its work, or that harms the model most",
        "cairn lab adversary --tries 200 --local-steps 10\n"
        "  cairn lab adversary --objective harm --texts unlike");
    auto request = std::make_shared<AdversaryRequest>();
    lab::AdversaryOptions& search = request->search;
    command
        .add_option("--tries", search.tries, "Attackers to try; the second half changes the best")
        .check(range(1, 1'000'000))
        .capture_default_str();
    command.add_option("--seed", search.seed, "Of the search and the network")
        .check(any_seed())
        .capture_default_str();
    command
        .add_option("--objective", request->objective,
                    "reward (for its compute) or harm (to the report loss)")
        .check(one_of({"reward", "harm"}))
        .capture_default_str();
    command.add_option("--rounds", search.rounds, "Rounds of each try")
        .check(range(1, 1000))
        .capture_default_str();
    command.add_option("--honest-rounds", search.honest_rounds, "Honest rounds before")
        .check(range(0, 1000))
        .capture_default_str();
    command
        .add_option("--replays", search.replays, "Other seeds with which the best are played again")
        .check(range(0, 100))
        .capture_default_str();
    add_network_options(command, search.network);
    command.callback([request, &invocation] {
        invocation.run = [request, &invocation](std::ostream& out) {
            return run_lab_adversary(*request, invocation.json, out);
        };
    });
}

}  // namespace cairn::cli
