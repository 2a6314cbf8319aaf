#include "lab/trust_tables.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lab/audit_lottery.h"
#include "lab/shared_audits.h"

namespace cairn::lab {

namespace {

using papers::ResultTable;

constexpr std::uint64_t kCurveStep = 10;
constexpr std::uint64_t kCurveEnd = 500;
constexpr std::uint64_t kStated = 300;
constexpr std::uint64_t kMarkets = 100;
constexpr std::uint64_t kSharedLives = 500;

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

/// What `lab audits` plays, in the order in which it is shown.
struct AuditTables {
    std::vector<LotteryPoint> curve;
    std::vector<std::pair<bool, ConvictionRounds>> behaviours;  // with probation or not
    std::vector<std::pair<SharedCase, SharedRounds>> together;
    std::vector<std::pair<std::string, MarketOutcome>> markets;
};

MarketOutcome mean_market(const MarketCase& given, Random& random,
                          const std::function<void()>& played) {
    MarketOutcome mean{.given = given};
    mean.least_honest = 1e9;
    for (std::uint64_t i = 0; i < kMarkets; ++i) {
        const MarketOutcome one = play_market(given, random);
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

AuditTables play(const AuditsRequest& request, const papers::TableProgress& progress) {
    SeededRandom random(request.seed);
    AuditTables tables;
    std::vector<std::uint64_t> answers;
    for (std::uint64_t n = kCurveStep; n <= kCurveEnd; n += kCurveStep) answers.push_back(n);
    const std::uint64_t lives = std::max<std::uint64_t>(request.servers / 20, 1);
    const std::uint64_t total = request.servers + 10 * lives + 3 * kMarkets;
    std::uint64_t done = 0;
    const auto played = [&] {
        if (++done % 100 == 0 && progress) progress(done, total);
    };
    tables.curve = play_lottery(request.audit_rate, request.cheat_rate, answers, request.servers,
                                random, played);
    for (const bool probation : {false, true})
        for (const auto behaviour :
             {Behaviour::kSteady, Behaviour::kRefusesEvidence, Behaviour::kHonestUntilPaid,
              Behaviour::kColludingHops, Behaviour::kKnowsVerifier})
            tables.behaviours.emplace_back(
                probation, play_behaviour(behaviour, request.audit_rate, request.cheat_rate,
                                          probation, lives, random, played));
    const trust::TrustRules rules{.audit_rate = request.audit_rate};
    SeededRandom shared_random(request.seed + 1);  // apart: its draws move no other table
    for (const bool patient : {false, true})
        for (const std::uint32_t nodes : {1U, 5U, 20U})
            for (const bool told : {false, true}) {
                const SharedCase shared{.nodes = nodes,
                                        .told = told,
                                        .patient = patient,
                                        .cheat_rate = request.cheat_rate};
                tables.together.emplace_back(
                    shared, play_together(shared, rules, kSharedLives, shared_random));
            }
    MarketCase given;
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
    for (const LotteryPoint& point : tables.curve)
        rows.push_back({{"table", std::string("found")},
                        {"answers", whole(point.answers)},
                        {"formula", point.formula},
                        {"played", point.played}});
    for (const auto& [probation, rounds] : tables.behaviours)
        rows.push_back({{"table", std::string("behaviours")},
                        {"behaviour", std::string(behaviour_name(rounds.behaviour))},
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

}  // namespace

ResultTable trust_table(const TrustRequest& request) {
    const std::vector<std::uint32_t>& layers = request.layers;
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

ResultTable audits_table(const AuditsRequest& request, const papers::TableProgress& progress) {
    const AuditTables tables = play(request, progress);
    double farthest = 0;
    for (const LotteryPoint& point : tables.curve) {
        const double deviation =
            std::sqrt(point.formula * (1 - point.formula) / static_cast<double>(request.servers));
        if (deviation > 0)
            farthest = std::max(farthest, std::fabs(point.played - point.formula) / deviation);
    }
    const double formula = found_by_formula(request.audit_rate, request.cheat_rate, kStated);
    const auto stated = std::ranges::find(tables.curve, kStated, &LotteryPoint::answers);
    const MarketOutcome& market = tables.markets.front().second;
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

}  // namespace cairn::lab
