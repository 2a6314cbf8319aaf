#include "cli/measure/lab_trust.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <ostream>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/outputs.h"
#include "cli/commands.h"
#include "cli/option_checks.h"
#include "cli/train/chart.h"
#include "console/json_line.h"
#include "lab/audit_lottery.h"

namespace cairn::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint32_t kMaxLayers = 512;  // of a model (S22)
constexpr std::uint64_t kCurveStep = 10;
constexpr std::uint64_t kCurveEnd = 500;
constexpr std::uint64_t kStated = 300;
constexpr std::uint64_t kMarkets = 100;

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

/// DIR/name.csv and DIR/name.svg.
Status check_folder(const std::string& folder, const std::string& name) {
    if (folder.empty()) return ok_status();
    return check_outputs(
        {{"--out", folder + "/" + name + ".csv"}, {"--out", folder + "/" + name + ".svg"}}, {});
}

Status write_folder(const std::string& folder, const std::string& name, const std::string& csv,
                    const Chart& chart) {
    if (folder.empty()) return ok_status();
    RETURN_IF_ERROR(write_file(folder + "/" + name + ".csv", as_bytes(csv)));
    return write_file(folder + "/" + name + ".svg", as_bytes(draw_svg(chart)));
}

struct ScoreRow {
    trust::WeightPolicy policy;
    std::uint32_t layers;
    double score;
    bool active;
};

std::string describe(const std::vector<ScoreRow>& rows, trust::WeightPolicy policy) {
    std::vector<std::string> scores;
    std::vector<std::string> removed;
    for (const ScoreRow& row : rows) {
        if (row.policy != policy) continue;
        scores.push_back(fmt::format("{:.4g}", row.score));
        if (!row.active) removed.push_back(fmt::format("{}", row.layers));
    }
    const std::string kept =
        removed.empty() ? "removes nobody"
                        : fmt::format("removes whoever has {} layer{}", fmt::join(removed, ", "),
                                      removed.back() == "1" ? "" : "s");
    return fmt::format("{} scores {} and {}", trust::policy_name(policy), fmt::join(scores, ", "),
                       kept);
}

}  // namespace

Status run_lab_trust(const LabTrustRequest& request, std::ostream& out) {
    ASSIGN_OR_RETURN(const std::vector<std::uint32_t> layers, parse_list(request.layers));
    RETURN_IF_ERROR(check_folder(request.out, "trust"));
    const std::uint32_t most = *std::ranges::max_element(layers);
    std::vector<ScoreRow> rows;
    for (const auto policy : {trust::WeightPolicy::kPaper, trust::WeightPolicy::kNormalised})
        for (const std::uint32_t own : layers) {
            const double score = trust::trust_score(request.accuracy, own, most, policy);
            rows.push_back({policy, own, score, score >= request.theta});
        }
    const std::string found =
        fmt::format("With accuracy {:.4g} and theta {:.4g}, {}; {}.", request.accuracy,
                    request.theta, describe(rows, trust::WeightPolicy::kPaper),
                    describe(rows, trust::WeightPolicy::kNormalised));

    Json list = Json::array();
    std::string csv = "policy,layers,score,status\n";
    std::string table =
        fmt::format("{:<11} {:>6} {:>7}  {}\n", "policy", "layers", "score", "status");
    Chart chart{.title = "Trust score by layers",
                .x_label = "layers of the server",
                .y_label = "score S",
                .series = {{.name = "paper (w = 1)", .points = {}, .colour = 0, .dots = true},
                           {.name = "normalised", .points = {}, .colour = 1, .dots = true}},
                .marks = {{request.theta, "theta"}},
                .top = 1.05,
                .bottom = 0};
    for (const ScoreRow& row : rows) {
        const auto policy = trust::policy_name(row.policy);
        const auto status = trust::status_name(row.active ? trust::ServerStatus::kActive
                                                          : trust::ServerStatus::kDeactivated);
        list.push_back({{"policy", policy},
                        {"layers", row.layers},
                        {"accuracy", request.accuracy},
                        {"score", row.score},
                        {"status", status}});
        csv += fmt::format("{},{},{},{}\n", policy, row.layers, row.score, status);
        table += fmt::format("{:<11} {:>6} {:>7.4g}  {}\n", policy, row.layers, row.score, status);
        chart.series[row.policy == trust::WeightPolicy::kPaper ? 0 : 1].points.push_back(
            {static_cast<double>(row.layers), row.score});
    }
    RETURN_IF_ERROR(write_folder(request.out, "trust", csv, chart));
    if (request.json)
        out << console::json_line(Json{{"name", "trust"}, {"rows", list}, {"found", found}});
    else
        out << table << found << '\n';
    return ok_status();
}

namespace {

/// What `lab audits` plays, in the order in which it is shown.
struct AuditTables {
    std::vector<lab::LotteryPoint> curve;
    std::vector<std::pair<bool, lab::ConvictionRounds>> behaviours;  // with probation or not
    std::vector<std::pair<std::string, lab::MarketOutcome>> markets;
};

lab::MarketOutcome mean_market(const lab::MarketCase& given, Random& random) {
    lab::MarketOutcome mean{.given = given};
    mean.least_honest = 1e9;
    for (std::uint64_t i = 0; i < kMarkets; ++i) {
        const lab::MarketOutcome one = lab::play_market(given, random);
        mean.least_honest = std::min(mean.least_honest, one.least_honest);
        mean.mean_honest += one.mean_honest / kMarkets;
        mean.liars_before += one.liars_before / kMarkets;
        mean.liars_after += one.liars_after / kMarkets;
        mean.wrong_after += one.wrong_after / kMarkets;
        mean.honest_out += one.honest_out;
        mean.keys += one.keys;
    }
    return mean;
}

AuditTables play(const LabAuditsRequest& request) {
    SeededRandom random(request.seed);
    AuditTables tables;
    std::vector<std::uint64_t> answers;
    for (std::uint64_t n = kCurveStep; n <= kCurveEnd; n += kCurveStep) answers.push_back(n);
    tables.curve =
        lab::play_lottery(request.audit_rate, request.cheat_rate, answers, request.servers, random);
    const std::uint64_t lives = std::max<std::uint64_t>(request.servers / 20, 1);
    for (const bool probation : {false, true})
        for (const auto behaviour :
             {lab::Behaviour::kSteady, lab::Behaviour::kRefusesEvidence,
              lab::Behaviour::kHonestUntilPaid, lab::Behaviour::kColludingHops,
              lab::Behaviour::kKnowsVerifier})
            tables.behaviours.emplace_back(
                probation, lab::play_behaviour(behaviour, request.audit_rate, request.cheat_rate,
                                               probation, lives, random));
    lab::MarketCase given;
    given.audit_rate = request.audit_rate;
    given.cheat_rate = request.cheat_rate;
    tables.markets.emplace_back("20 % liars", mean_market(given, random));
    given.return_under_new_keys = true;
    tables.markets.emplace_back("who return under new keys", mean_market(given, random));
    given.patient = true;
    tables.markets.emplace_back("and are honest on probation", mean_market(given, random));
    return tables;
}

std::string table_of(const AuditTables& tables) {
    std::string text = "answers  formula   played\n";
    for (const lab::LotteryPoint& point : tables.curve)
        if (point.answers % 50 == 0)
            text +=
                fmt::format("{:>7}  {:.6f}  {:.6f}\n", point.answers, point.formula, point.played);
    text += fmt::format("\n{:<20} {:<10} {:>8} {:>7} {:>7} {:>11}\n", "answers until out", "audits",
                        "mean", "p95", "most", "wrong, taken");
    for (const auto& [probation, rounds] : tables.behaviours)
        text += fmt::format(
            "{:<20} {:<10} {:>8.1f} {:>7} {:>7} {:>11.1f}\n", lab::behaviour_name(rounds.behaviour),
            probation ? "falling" : "at rate q", rounds.mean, rounds.p95, rounds.most, rounds.sold);
    text += fmt::format("\n{:<28} {:>7} {:>9} {:>12} {:>11} {:>10}\n", "2,000 requests, 20 servers",
                        "honest", "poorest", "liars first", "liars then", "wrong then");
    for (const auto& [name, market] : tables.markets)
        text += fmt::format("{:<28} {:>7.3f} {:>9.3f} {:>10.2f} % {:>9.2f} % {:>8.2f} %\n", name,
                            market.mean_honest, market.least_honest, 100 * market.liars_before,
                            100 * market.liars_after, 100 * market.wrong_after);
    return text;
}

Json rows_of(const AuditTables& tables) {
    Json rows = Json::array();
    for (const lab::LotteryPoint& point : tables.curve)
        rows.push_back({{"table", "found"},
                        {"answers", point.answers},
                        {"formula", point.formula},
                        {"played", point.played}});
    for (const auto& [probation, rounds] : tables.behaviours)
        rows.push_back({{"table", "behaviours"},
                        {"behaviour", lab::behaviour_name(rounds.behaviour)},
                        {"probation", probation},
                        {"mean", rounds.mean},
                        {"p95", rounds.p95},
                        {"most", rounds.most},
                        {"wrong_taken", rounds.sold},
                        {"never", rounds.never}});
    for (const auto& [name, market] : tables.markets)
        rows.push_back({{"table", "market"},
                        {"liars", name},
                        {"least_honest", market.least_honest},
                        {"mean_honest", market.mean_honest},
                        {"liars_first_1000", market.liars_before},
                        {"liars_after_1000", market.liars_after},
                        {"wrong_after_1000", market.wrong_after},
                        {"honest_out", market.honest_out},
                        {"keys", market.keys}});
    return rows;
}

}  // namespace

Status run_lab_audits(const LabAuditsRequest& request, std::ostream& out) {
    RETURN_IF_ERROR(check_folder(request.out, "audits"));
    const AuditTables tables = play(request);
    Chart chart{.title = fmt::format("Found by n answers (q = {:.3g}, f = {:.3g})",
                                     request.audit_rate, request.cheat_rate),
                .x_label = "answers n",
                .y_label = "part of the liars that was found",
                .series = {{.name = "1 - (1 - q f)^n", .points = {}, .colour = 0},
                           {.name = "played", .points = {}, .colour = 1, .dots = true}},
                .marks = {},
                .top = 1.05,
                .bottom = 0};
    std::string csv = "answers,formula,played\n";
    double farthest = 0;
    for (const lab::LotteryPoint& point : tables.curve) {
        csv += fmt::format("{},{},{}\n", point.answers, point.formula, point.played);
        chart.series[0].points.push_back({static_cast<double>(point.answers), point.formula});
        chart.series[1].points.push_back({static_cast<double>(point.answers), point.played});
        const double deviation =
            std::sqrt(point.formula * (1 - point.formula) / static_cast<double>(request.servers));
        if (deviation > 0)
            farthest = std::max(farthest, std::fabs(point.played - point.formula) / deviation);
    }
    RETURN_IF_ERROR(write_folder(request.out, "audits", csv, chart));
    const double formula = lab::found_by_formula(request.audit_rate, request.cheat_rate, kStated);
    const auto stated = std::ranges::find(tables.curve, kStated, &lab::LotteryPoint::answers);
    const lab::MarketOutcome& market = tables.markets.front().second;
    const std::string found = fmt::format(
        "After {} answers {:.4f} of {} liars were found, by the formula {:.6f} (no point of the "
        "curve is farther from it than {:.1f} standard deviations); among 20 % liars an honest "
        "server earned {:.2f} of a fair share, the poorest of all in {} markets {:.2f}, and after "
        "1,000 requests liars carry {:.2f} % of the tokens.",
        kStated, stated->played, request.servers, formula, farthest, market.mean_honest, kMarkets,
        market.least_honest, 100 * market.liars_after);
    if (request.json)
        out << console::json_line(
            Json{{"name", "audits"}, {"rows", rows_of(tables)}, {"found", found}});
    else
        out << table_of(tables) << '\n' << found << '\n';
    return ok_status();
}

namespace {

void add_trust(CLI::App& group, Invocation& invocation) {
    CLI::App* command =
        add_command(group, invocation, "trust", "Trust scores of servers under both policies",
                    "cairn lab trust --layers 1,2,5 --theta 0.3 --acc 1\n"
                    "  cairn lab trust --out pictures --json");
    auto request = std::make_shared<LabTrustRequest>();
    command->add_option("--layers", request->layers, "Layers of each server, with commas")
        ->capture_default_str();
    command->add_option("--theta", request->theta, "Who scores less is removed")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    command->add_option("--acc", request->accuracy, "Accuracy of all of them")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    command->add_option("--out", request->out, "Folder for trust.csv and trust.svg");
    command->callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_lab_trust(*request, out); };
    });
}

void add_audits(CLI::App& group, Invocation& invocation) {
    CLI::App* command = add_command(
        group, invocation, "audits", "How soon servers that cheat are found by audits",
        "cairn lab audits\n  cairn lab audits --rate 0.02 --cheats 0.5 --out pictures --json");
    auto request = std::make_shared<LabAuditsRequest>();
    command->add_option("--rate", request->audit_rate, "Chance q that an answer is audited")
        ->check(CLI::Range(0.001, 1.0))
        ->capture_default_str();
    command->add_option("--cheats", request->cheat_rate, "Chance f that a liar's answer is wrong")
        ->check(CLI::Range(0.001, 1.0))
        ->capture_default_str();
    command->add_option("--servers", request->servers, "Liars that are played")
        ->check(CLI::Range(100, 10'000'000))
        ->capture_default_str();
    command->add_option("--seed", request->seed, "Of chance")
        ->check(any_seed())
        ->capture_default_str();
    command->add_option("--out", request->out, "Folder for audits.csv and audits.svg");
    command->callback([request, &invocation] {
        request->json = invocation.json;
        invocation.run = [request](std::ostream& out) { return run_lab_audits(*request, out); };
    });
}

}  // namespace

void add_lab_trust(CLI::App& group, Invocation& invocation) {
    add_trust(group, invocation);
    add_audits(group, invocation);
}

}  // namespace cairn::cli
