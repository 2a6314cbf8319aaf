// Trust scores (papers B: Eq 3, 4): which servers may compute for others, by what audits found. The
// paper's S_i = acc_i * l_i / max(l) * w_i leaves w_i open. With w_i = 1 a server with few layers
// is removed however honest it is; with w_i = max(l) / l_i the score is its accuracy, and small
// servers stay. acc_i is what a server has shown at least, a lower bound, so nobody is trusted for
// want of audits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cairn::trust {

enum class WeightPolicy {
    kPaper,       ///< w_i = 1
    kNormalised,  ///< w_i = max(l) / l_i
};
/// "paper", "normalised".
std::string_view policy_name(WeightPolicy policy);
Result<WeightPolicy> parse_policy(std::string_view name);

/// S_i of a server with `layers` of the `most_layers` that any server has; 0 < layers <=
/// most_layers.
double trust_score(double accuracy, std::uint32_t layers, std::uint32_t most_layers,
                   WeightPolicy policy);

struct TrustRules {
    double theta = 0.8;  ///< 14 audits without a fault reach it
    WeightPolicy policy = WeightPolicy::kNormalised;
    /// A server that surely answers fewer of its audits than this is left out.
    double least_answered = 0.9;
    double halflife_days = 30;  ///< after which an audit counts half
};

/// What audits of one server found, faded with time.
struct AuditCounts {
    double right = 0;         ///< the same bits
    double wrong = 0;         ///< no answer of its layers, but nothing that convicts
    double unanswered = 0;    ///< time-outs, and evidence refused; counted apart from accuracy
    std::uint64_t at_ms = 0;  ///< when they were last brought up to date

    /// Fades all counts to `now_ms`; an earlier time changes nothing.
    void fade(std::uint64_t now_ms, double halflife_days);
    bool operator==(const AuditCounts&) const = default;
};

enum class ServerStatus {
    kActive,       ///< shown to be right so often that S >= theta
    kProbation,    ///< too few audits to say: carries little, and every answer is audited
    kDeactivated,  ///< S < theta whatever more audits of the same kind say, or silent
    kConvicted,    ///< signed for a wrong result: for ever
};
/// "active", "probation", "deactivated", "convicted".
std::string_view status_name(ServerStatus status);

struct Standing {
    double accuracy = 0;  ///< lower bound
    double score = 0;     ///< of it
    ServerStatus status = ServerStatus::kProbation;
    std::string why;  ///< a sentence for people
};

/// Eq 4 with the middle that bounds have: deactivated if even the upper bound's score is below
/// theta, on probation if only the lower bound's is. `convicted` is the sentence that convicts it,
/// empty if none does. `counts` are faded to now already.
Standing standing_of(const AuditCounts& counts, const std::string& convicted, std::uint32_t layers,
                     std::uint32_t most_layers, const TrustRules& rules);

}  // namespace cairn::trust
