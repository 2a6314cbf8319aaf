#include "cli/serve/trust_options.h"

#include <memory>

#include "base/clock.h"
#include "base/files.h"
#include "cli/options.h"

namespace cairn::cli {

trust::TrustRules TrustOptions::rules() const {
    const auto parsed = trust::parse_policy(policy);
    return {.theta = theta,
            .policy = parsed.ok() ? *parsed : trust::WeightPolicy::kNormalised,
            .audit_rate = audit_rate};
}

void add_trust_options(const Command& command, TrustOptions& trust) {
    command.add_option("--theta", trust.theta, "Who scores less is not used")
        .check(range(0.0, 1.0))
        .capture_default_str();
    command
        .add_option("--policy", trust.policy,
                    "Of the score: paper (small servers score less) or normalised")
        .check(one_of({"paper", "normalised"}))
        .capture_default_str();
}

Result<Standings> standings_of(const std::string& book, const TrustOptions& trust) {
    if (!exists(book)) return Standings();
    ASSIGN_OR_RETURN(trust::AuditBook read, trust::AuditBook::read(book));
    const auto kept = std::make_shared<const trust::AuditBook>(std::move(read));
    return Standings([kept, rules = trust.rules()](
                         const crypto::PublicKey& key) -> std::optional<trust::Standing> {
        if (kept->find(key) == nullptr) return std::nullopt;
        return kept->standing(key, SystemClock().wall_ms(), rules);
    });
}

}  // namespace cairn::cli
