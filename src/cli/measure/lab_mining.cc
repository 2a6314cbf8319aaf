#include "cli/measure/lab_mining.h"

#include <memory>
#include <ostream>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/option_checks.h"
#include "cli/options.h"
#include "console/json_line.h"
#include "lab/selfish.h"
#include "lab/timewarp.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kPlayed = 10'000'000;  // blocks of the model, which costs nothing
constexpr std::uint32_t kPeriods = 6;          // of Bitcoin's, under a timewarp

const lab::SelfishCase kCases[] = {
    {0.3, false, false}, {0.3, true, false}, {0.3, true, true},
    {0.4, false, false}, {0.4, true, false}, {0.4, true, true},
};

Json to_json(const lab::SelfishOutcome& outcome) {
    const auto& [alpha, withholds, owns_network] = outcome.given;
    return {{"alpha", alpha},
            {"withholds", withholds},
            {"owns_network", owns_network},
            {"blocks", outcome.blocks},
            {"gamma", outcome.gamma},
            {"revenue", outcome.revenue},
            {"formula", withholds ? lab::selfish_revenue(alpha, outcome.gamma) : alpha},
            {"merges", outcome.merges},
            {"own_merges", outcome.own_merges},
            {"contributions_per_merge", outcome.contributions},
            {"commitments_per_round", outcome.carried}};
}

void print(const lab::SelfishOutcome& outcome, std::uint64_t seed, std::ostream& out) {
    const auto& [alpha, withholds, owns_network] = outcome.given;
    const double formula = withholds ? lab::selfish_revenue(alpha, outcome.gamma) : alpha;
    const double played =
        withholds ? lab::selfish_revenue_played(alpha, outcome.gamma, kPlayed, seed) : alpha;
    out << fmt::format("{:>5.2f}  {:<9}  {:>5.2f}  {:>7.3f}  {:>7.3f}  {:>7.3f}  {:>10.3f}", alpha,
                       withholds ? "withholds" : "publishes", outcome.gamma, formula, played,
                       outcome.revenue, outcome.own_merges);
    // Where the miner owns the network he passes on no commitments at all.
    if (!owns_network)
        out << fmt::format("  {:>11.2f}  {:>13.2f}", outcome.carried, outcome.contributions);
    out << '\n';
}

Json to_json(const lab::TimewarpOutcome& outcome) {
    return {{"rule", lab::name_of(outcome.given.rule)},
            {"alpha", outcome.given.alpha},
            {"times", lab::name_of(outcome.given.times)},
            {"blocks_per_spacing", outcome.blocks_per_spacing},
            {"easiest", outcome.easiest},
            {"hardest", outcome.hardest},
            {"stopped_after", outcome.stopped_after},
            {"stopped_hours", outcome.stopped_hours}};
}

void print(const lab::TimewarpOutcome& outcome, std::ostream& out) {
    out << fmt::format("{:<17}  {:>5.2f}  {:<7}", lab::name_of(outcome.given.rule),
                       outcome.given.alpha, lab::name_of(outcome.given.times));
    if (outcome.stopped_after > 0)
        out << fmt::format("  stopped after {} blocks, {:.1f} h\n", outcome.stopped_after,
                           outcome.stopped_hours);
    else
        out << fmt::format("  {:>14.3f}  {:>6.2f}x  {:>6.2f}x\n", outcome.blocks_per_spacing,
                           outcome.easiest, outcome.hardest);
}

std::vector<lab::TimewarpCase> timewarp_cases() {
    using lab::FalseTimes;
    std::vector<lab::TimewarpCase> cases;
    for (const lab::TimeRule rule : {lab::TimeRule::kParent, lab::TimeRule::kMedianOfEleven}) {
        cases.push_back({rule, 0, FalseTimes::kNone});
        for (const double alpha : {0.1, 0.2, 0.3, 0.51})
            for (const FalseTimes kind :
                 {FalseTimes::kAhead, FalseTimes::kBehind, FalseTimes::kBoth})
                cases.push_back({rule, alpha, kind});
    }
    return cases;
}

Json to_json(const lab::HeldOutcome& outcome) {
    return {{"held_blocks", outcome.held_blocks},
            {"attack_hours", outcome.attack_hours},
            {"harder", outcome.harder},
            {"recovery_hours", outcome.recovery_hours}};
}

}  // namespace

Status run_lab_selfish(const LabMiningRequest& request, std::ostream& out) {
    const SystemClock clock;
    Progress progress(clock, "networks", std::size(kCases));
    if (!request.json)
        out << "Thresholds of the paper: gain from alpha 1/3 at gamma 0, 1/4 at gamma 1/2\n"
               "alpha  strategy   gamma  formula   played  network  own merges  commitments  "
               "contributions\n";
    Json list = Json::array();
    std::size_t done = 0;
    for (const lab::SelfishCase& given : kCases) {
        progress.update(done++);
        ASSIGN_OR_RETURN(const lab::SelfishOutcome outcome,
                         lab::run_selfish(given, request.blocks, request.seed));
        if (request.json)
            list.push_back(to_json(outcome));
        else
            print(outcome, request.seed, out);
    }
    if (request.json) out << console::json_line(Json{{"networks", list}});
    return ok_status();
}

Status run_lab_timewarp(const LabMiningRequest& request, std::ostream& out) {
    chain::NetworkDefinition network;
    network.first_target = 0x1c7fffff;  // far from the limit
    Json times = Json::array();
    if (!request.json)
        out << fmt::format(
            "spacing {} s, half-life {} s; targets beside the one that fits the hash power\n"
            "a time must be     alpha  times    blocks/spacing  easiest  hardest\n",
            network.spacing_ms / 1000, network.halflife_ms / 1000);
    for (const lab::TimewarpCase& given : timewarp_cases()) {
        const auto outcome = lab::play_false_times(network, given, request.blocks, request.seed);
        times.push_back(to_json(outcome));
        if (!request.json) print(outcome, out);
    }
    const auto bitcoin = lab::play_bitcoin_timewarp(kPeriods);
    if (!request.json) {
        out << "Bitcoin's rule, all blocks of the chain his: easier after each period of 2016 "
               "blocks:";
        for (const double easier : bitcoin) out << fmt::format(" {:.1f}x", easier);
        out << "\nA majority (0.51, orphans the rest) that holds this chain's time back, and "
               "goes:\n"
               "  held  attack h  harder  then slow h\n";
    }
    Json held = Json::array();
    for (const std::uint32_t blocks : {60U, 120U, 180U}) {
        const lab::HeldOutcome outcome = lab::play_held_time(network, 0.51, blocks, request.seed);
        held.push_back(to_json(outcome));
        if (!request.json)
            out << fmt::format("{:>6}  {:>8.2f}  {:>5.1f}x  {:>11.2f}\n", blocks,
                               outcome.attack_hours, outcome.harder, outcome.recovery_hours);
    }
    if (request.json)
        out << console::json_line(
            Json{{"false_times", times}, {"bitcoin", bitcoin}, {"held", held}});
    return ok_status();
}

void add_lab_mining(const Command& group, Invocation& invocation) {
    const auto add = [&group, &invocation](const char* name, const char* what, const char* example,
                                           auto run) {
        const Command command = add_command(group, invocation, name, what, example);
        auto request = std::make_shared<LabMiningRequest>();
        command.add_option("--blocks", request->blocks, "Of each chain")
            .check(range(100U, 1'000'000U))
            .capture_default_str();
        command.add_option("--seed", request->seed, "Of chance")
            .check(any_seed())
            .capture_default_str();
        command.callback([request, run, &invocation] {
            request->json = invocation.json;
            invocation.run = [request, run](std::ostream& out) { return run(*request, out); };
        });
    };
    add("selfish", "What withholding blocks earns, on real nodes and by the paper's formula",
        "cairn lab selfish --blocks 3000", run_lab_selfish);
    add("timewarp", "What false timestamps do to the difficulty, here and under Bitcoin's rule",
        "cairn lab timewarp", run_lab_timewarp);
}

}  // namespace cairn::cli
