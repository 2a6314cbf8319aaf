#include "cli/measure/lab_trust.h"

#include <charconv>
#include <memory>

#include <fmt/format.h>

#include "cli/option_checks.h"
#include "cli/options.h"
#include "cli/papers/lab_result.h"
#include "lab/trust_tables.h"

namespace cairn::cli {

namespace {

using papers::ResultTable;

constexpr std::uint32_t kMaxLayers = 512;  // of a model (S22)

struct TrustRequest {
    std::string layers = "1,2,5";  // of each server, with commas
    double theta = 0.3;
    double accuracy = 1;
};

Result<std::vector<std::uint32_t>> parse_list(const std::string& text) {
    std::vector<std::uint32_t> list;
    const char* at = text.data();
    const char* const end = at + text.size();
    for (;;) {
        std::uint32_t value = 0;
        const auto [next, error] = std::from_chars(at, end, value);
        if (error != std::errc() || value == 0 || value > kMaxLayers)
            return misused(
                fmt::format("--layers takes numbers from 1 to {}, as 1,2,5", kMaxLayers));
        list.push_back(value);
        if (next == end) return list;
        if (*next != ',')
            return misused(
                fmt::format("--layers takes numbers from 1 to {}, as 1,2,5", kMaxLayers));
        at = next + 1;
    }
}

Result<ResultTable> trust_scores(const TrustRequest& request) {
    ASSIGN_OR_RETURN(auto layers, parse_list(request.layers));
    return lab::trust_table({std::move(layers), request.theta, request.accuracy});
}

void add_trust(const Command& group, Invocation& invocation) {
    auto request = std::make_shared<TrustRequest>();
    const Command command = add_result_command(
        group, invocation, "trust", "Trust scores of servers under both policies",
        "cairn lab trust --layers 1,2,5 --theta 0.3 --acc 1\n"
        "  cairn lab trust --out pictures --json",
        [request] { return trust_scores(*request); });
    command.add_option("--layers", request->layers, "Layers of each server, with commas")
        .capture_default_str();
    command.add_option("--theta", request->theta, "Who scores less is removed")
        .check(range(0.0, 1.0))
        .capture_default_str();
    command.add_option("--acc", request->accuracy, "Accuracy of all of them")
        .check(range(0.0, 1.0))
        .capture_default_str();
}

void add_audits(const Command& group, Invocation& invocation) {
    auto request = std::make_shared<lab::AuditsRequest>();
    const Command command = add_result_command(
        group, invocation, "audits", "How soon servers that cheat are found by audits",
        "cairn lab audits\n  cairn lab audits --rate 0.02 --cheats 0.5 --out pictures --json",
        [request] { return lab::audits_table(*request, progress_bar("servers")); });
    command.add_option("--rate", request->audit_rate, "Chance q that an answer is audited")
        .check(range(0.001, 1.0))
        .capture_default_str();
    command.add_option("--cheats", request->cheat_rate, "Chance f that a liar's answer is wrong")
        .check(range(0.001, 1.0))
        .capture_default_str();
    command.add_option("--servers", request->servers, "Liars that are played")
        .check(range(100, 10'000'000))
        .capture_default_str();
    command.add_option("--seed", request->seed, "Of chance")
        .check(any_seed())
        .capture_default_str();
}

}  // namespace

void add_lab_trust(const Command& group, Invocation& invocation, LabPages& pages) {
    add_trust(group, invocation);
    add_audits(group, invocation);
    pages.push_back({'B', "Equations 3 and 4: trust scores", [] { return trust_scores({}); }});
}

}  // namespace cairn::cli
