#include "trust/score.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/check.h"
#include "trust/confidence.h"

namespace cairn::trust {

namespace {

/// Silence removes a server only where chance explains it in one case of two hundred: it is looked
/// at after every audit.
constexpr double kSilence = 0.995;
/// An active server's audits: this over those that it passed.
constexpr double kEarlyAudits = 7;

}  // namespace

std::string_view policy_name(WeightPolicy policy) {
    return policy == WeightPolicy::kPaper ? "paper" : "normalised";
}

Result<WeightPolicy> parse_policy(std::string_view name) {
    for (const WeightPolicy policy : {WeightPolicy::kPaper, WeightPolicy::kNormalised})
        if (name == policy_name(policy)) return policy;
    return invalid("the policy is paper or normalised");
}

double trust_score(double accuracy, std::uint32_t layers, std::uint32_t most_layers,
                   WeightPolicy policy) {
    CHECK(layers > 0 && layers <= most_layers);
    if (policy == WeightPolicy::kNormalised) return accuracy;  // l / max(l) * max(l) / l
    return accuracy * layers / most_layers;
}

void AuditCounts::add(Finding finding) {
    if (finding == Finding::kRight) right += 1;
    if (finding == Finding::kWrong) wrong += 1;
    if (finding == Finding::kUnanswered) unanswered += 1;
}

void AuditCounts::fade(std::uint64_t now_ms, double halflife_days) {
    if (now_ms <= at_ms) return;
    const double days = static_cast<double>(now_ms - at_ms) / 86'400'000.0;
    const double left = at_ms == 0 ? 1.0 : std::exp2(-days / halflife_days);
    right *= left;
    wrong *= left;
    unanswered *= left;
    at_ms = now_ms;
}

std::string_view finding_name(const std::optional<Finding>& finding) {
    if (!finding) return "nothing";
    switch (*finding) {
        case Finding::kRight:
            return "right";
        case Finding::kWrong:
            return "wrong";
        case Finding::kUnanswered:
            return "unanswered";
        case Finding::kConvicted:
            return "convicted";
    }
    return "";
}

std::string_view status_name(ServerStatus status) {
    switch (status) {
        case ServerStatus::kActive:
            return "active";
        case ServerStatus::kProbation:
            return "probation";
        case ServerStatus::kDeactivated:
            return "deactivated";
        case ServerStatus::kConvicted:
            return "convicted";
    }
    return "";
}

Standing standing_of(const AuditCounts& counts, const std::string& convicted, std::uint32_t layers,
                     std::uint32_t most_layers, const TrustRules& rules) {
    const double answered = counts.right + counts.wrong;
    const double asked = answered + counts.unanswered;
    Standing standing;
    standing.accuracy = lower_bound(counts.right, answered);
    standing.score = trust_score(standing.accuracy, layers, most_layers, rules.policy);
    if (!convicted.empty()) {
        standing.accuracy = standing.score = 0;
        standing.status = ServerStatus::kConvicted;
        standing.why = convicted;
        return standing;
    }
    const double best =
        trust_score(upper_bound(counts.right, answered), layers, most_layers, rules.policy);
    if (best < rules.theta) {
        standing.status = ServerStatus::kDeactivated;
        standing.why =
            counts.wrong > 0
                ? fmt::format("{:.1f} of {:.1f} answers were not its layers'", counts.wrong,
                              answered)
                : fmt::format("with {} of {} layers it scores {:.3g} at most, theta is {:.3g}",
                              layers, most_layers, best, rules.theta);
    } else if (upper_bound(answered, asked, kSilence) < rules.least_answered) {
        standing.status = ServerStatus::kDeactivated;
        standing.why =
            fmt::format("did not answer {:.1f} of {:.1f} audits", counts.unanswered, asked);
    } else if (standing.score < rules.theta) {
        standing.status = ServerStatus::kProbation;
        standing.why = fmt::format("{:.1f} audits show {:.3g} at least, theta is {:.3g}", answered,
                                   standing.score, rules.theta);
    } else {
        standing.status = ServerStatus::kActive;
        standing.why = fmt::format("{:.1f} audits, all but {:.1f} right", answered, counts.wrong);
    }
    return standing;
}

double audit_chance(const AuditCounts& counts, ServerStatus status, const TrustRules& rules) {
    if (status != ServerStatus::kActive) return 1;
    return std::clamp(kEarlyAudits / std::max(counts.right, 1.0), rules.audit_rate, 1.0);
}

}  // namespace cairn::trust
