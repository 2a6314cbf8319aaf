#include "cli/measure/lab_trust.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <memory>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/clock.h"
#include "base/progress.h"
#include "cli/option_checks.h"
#include "cli/options.h"
#include "cli/papers/lab_result.h"
#include "lab/audit_lottery.h"
#include "lab/shared_audits.h"

namespace cairn::cli {

namespace {

using papers::ResultTable;

constexpr std::uint32_t kMaxLayers = 512;  // of a model (S22)
constexpr std::uint64_t kCurveStep = 10;
constexpr std::uint64_t kCurveEnd = 500;
constexpr std::uint64_t kStated = 300;
constexpr std::uint64_t kMarkets = 100;
constexpr std::uint64_t kSharedLives = 500;

struct TrustRequest {
    std::string layers = "1,2,5";  // of each server, with commas
    double theta = 0.3;
    double accuracy = 1;
};

struct AuditsRequest {
    double audit_rate = 0.05;
    double cheat_rate = 0.2;
    std::uint64_t servers = 20'000;  // liars that are played for the curve
    std::uint64_t seed = 1;
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

Result<ResultTable> trust_scores(const TrustRequest& request) {
    ASSIGN_OR_RETURN(const std::vector<std::uint32_t> layers, parse_list(request.layers));
    const std::uint32_t most = *std::ranges::max_element(layers);
    std::vector<ScoreRow> rows;
    for (const auto policy : {trust::WeightPolicy::kPaper, trust::WeightPolicy::kNormalised})
        for (const std::uint32_t own : layers) {
            const double score = trust::trust_score(request.accuracy, own, most, policy);
            rows.push_back({policy, own, score, score >= request.theta});
        }
    ResultTable table{"trust", {}, "", {}};
    for (const ScoreRow& row : rows)
        table.rows.push_back({{"policy", std::string(trust::policy_name(row.policy))},
                              {"layers", std::int64_t{row.layers}},
                              {"accuracy", request.accuracy},
                              {"score", row.score},
                              {"status", std::string(trust::status_name(
                                             row.active ? trust::ServerStatus::kActive
                                                        : trust::ServerStatus::kDeactivated))}});
    table.found = fmt::format("With accuracy {:.4g} and theta {:.4g}, {}; {}.", request.accuracy,
                              request.theta, describe(rows, trust::WeightPolicy::kPaper),
                              describe(rows, trust::WeightPolicy::kNormalised));
    table.pictures = {{.title = "Trust score by layers",
                       .x = "layers",
                       .y = "score",
                       .group = "policy",
                       .x_label = "layers of the server",
                       .y_label = "score S",
                       .marks = {{request.theta, "theta"}},
                       .is_share = true}};
    return table;
}

/// What `lab audits` plays, in the order in which it is shown.
struct AuditTables {
    std::vector<lab::LotteryPoint> curve;
    std::vector<std::pair<bool, lab::ConvictionRounds>> behaviours;  // with probation or not
    std::vector<std::pair<lab::SharedCase, lab::SharedRounds>> together;
    std::vector<std::pair<std::string, lab::MarketOutcome>> markets;
};

lab::MarketOutcome mean_market(const lab::MarketCase& given, Random& random,
                               const std::function<void()>& played) {
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
        played();
    }
    return mean;
}

AuditTables play(const AuditsRequest& request) {
    SeededRandom random(request.seed);
    AuditTables tables;
    std::vector<std::uint64_t> answers;
    for (std::uint64_t n = kCurveStep; n <= kCurveEnd; n += kCurveStep) answers.push_back(n);
    const std::uint64_t lives = std::max<std::uint64_t>(request.servers / 20, 1);
    const SystemClock clock;
    Progress progress(clock, "servers", request.servers + 10 * lives + 3 * kMarkets);
    std::uint64_t done = 0;
    const auto played = [&] {
        if (++done % 100 == 0) progress.update(done);
    };
    tables.curve = lab::play_lottery(request.audit_rate, request.cheat_rate, answers,
                                     request.servers, random, played);
    for (const bool probation : {false, true})
        for (const auto behaviour :
             {lab::Behaviour::kSteady, lab::Behaviour::kRefusesEvidence,
              lab::Behaviour::kHonestUntilPaid, lab::Behaviour::kColludingHops,
              lab::Behaviour::kKnowsVerifier})
            tables.behaviours.emplace_back(
                probation, lab::play_behaviour(behaviour, request.audit_rate, request.cheat_rate,
                                               probation, lives, random, played));
    const trust::TrustRules rules{.audit_rate = request.audit_rate};
    SeededRandom shared_random(request.seed + 1);  // so that the markets' chance stays as it was
    for (const bool patient : {false, true})
        for (const std::uint32_t nodes : {1U, 5U, 20U})
            for (const bool told : {false, true}) {
                const lab::SharedCase shared{.nodes = nodes,
                                             .told = told,
                                             .patient = patient,
                                             .cheat_rate = request.cheat_rate};
                tables.together.emplace_back(
                    shared, lab::play_together(shared, rules, kSharedLives, shared_random));
            }
    lab::MarketCase given;
    given.audit_rate = request.audit_rate;
    given.cheat_rate = request.cheat_rate;
    tables.markets.emplace_back("20 % liars", mean_market(given, random, played));
    given.return_under_new_keys = true;
    tables.markets.emplace_back("who return under new keys", mean_market(given, random, played));
    given.patient = true;
    tables.markets.emplace_back("and are honest on probation", mean_market(given, random, played));
    return tables;
}

std::vector<papers::Row> rows_of(const AuditTables& tables) {
    std::vector<papers::Row> rows;
    const auto whole = [](std::uint64_t number) { return static_cast<std::int64_t>(number); };
    for (const lab::LotteryPoint& point : tables.curve)
        rows.push_back({{"table", std::string("found")},
                        {"answers", whole(point.answers)},
                        {"formula", point.formula},
                        {"played", point.played}});
    for (const auto& [probation, rounds] : tables.behaviours)
        rows.push_back({{"table", std::string("behaviours")},
                        {"behaviour", std::string(lab::behaviour_name(rounds.behaviour))},
                        {"probation", probation},
                        {"mean", rounds.mean},
                        {"p95", whole(rounds.p95)},
                        {"most", whole(rounds.most)},
                        {"wrong_taken", rounds.sold},
                        {"never", rounds.never}});
    for (const auto& [name, market] : tables.markets)
        rows.push_back({{"table", std::string("market")},
                        {"liars", name},
                        {"least_honest", market.least_honest},
                        {"mean_honest", market.mean_honest},
                        {"liars_first_1000", market.liars_before},
                        {"liars_after_1000", market.liars_after},
                        {"wrong_after_1000", market.wrong_after},
                        {"honest_out", std::int64_t{market.honest_out}},
                        {"keys", whole(market.keys)}});
    for (const auto& [shared, rounds] : tables.together)
        rows.push_back({{"table", std::string("together")},
                        {"nodes", std::int64_t{shared.nodes}},
                        {"told", shared.told},
                        {"patient", shared.patient},
                        {"mean_rounds", rounds.mean},
                        {"p95_rounds", whole(rounds.p95)},
                        {"most_rounds", whole(rounds.most)},
                        {"audits", rounds.audits}});
    return rows;
}

Result<ResultTable> audits(const AuditsRequest& request) {
    const AuditTables tables = play(request);
    double farthest = 0;
    for (const lab::LotteryPoint& point : tables.curve) {
        const double deviation =
            std::sqrt(point.formula * (1 - point.formula) / static_cast<double>(request.servers));
        if (deviation > 0)
            farthest = std::max(farthest, std::fabs(point.played - point.formula) / deviation);
    }
    const double formula = lab::found_by_formula(request.audit_rate, request.cheat_rate, kStated);
    const auto stated = std::ranges::find(tables.curve, kStated, &lab::LotteryPoint::answers);
    const lab::MarketOutcome& market = tables.markets.front().second;
    ResultTable table{"audits", rows_of(tables), "", {}};
    table.found = fmt::format(
        "After {} answers {:.4f} of {} liars were found, by the formula {:.6f} (no point of the "
        "curve is farther from it than {:.1f} standard deviations); among 20 % liars an honest "
        "server earned {:.2f} of a fair share, the poorest of all in {} markets {:.2f}, and after "
        "1,000 requests liars carry {:.2f} % of the tokens.",
        kStated, stated->played, request.servers, formula, farthest, market.mean_honest, kMarkets,
        market.least_honest, 100 * market.liars_after);
    table.pictures = {{.title = fmt::format("Found by n answers (q = {:.3g}, f = {:.3g})",
                                            request.audit_rate, request.cheat_rate),
                       .x = "answers",
                       .y = "formula",
                       .group = "",
                       .x_label = "answers n",
                       .y_label = "part of the liars that was found",
                       .beside = "played",
                       .is_share = true}};
    return table;
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
    auto request = std::make_shared<AuditsRequest>();
    const Command command = add_result_command(
        group, invocation, "audits", "How soon servers that cheat are found by audits",
        "cairn lab audits\n  cairn lab audits --rate 0.02 --cheats 0.5 --out pictures --json",
        [request] { return audits(*request); });
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

void add_lab_trust(const Command& group, Invocation& invocation) {
    add_trust(group, invocation);
    add_audits(group, invocation);
}

}  // namespace cairn::cli
