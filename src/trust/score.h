// Trust scores (papers B: Eq 3, 4): which servers may compute for others, by what audits found. The
// paper's S_i = acc_i * l_i / max(l) * w_i leaves w_i open. With w_i = 1 a server with few layers
// is removed however honest it is; with w_i = max(l) / l_i the score is its accuracy, and small
// servers stay. acc_i is what a server has shown at least, a lower bound, so nobody is trusted for
// want of audits.
#pragma once

#include <cstdint>
#include <optional>
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
    double audit_rate = 0.05;   ///< of the answers of a server that is long trusted
};

/// What one audit came to.
enum class Finding : std::uint8_t {
    kRight = 1,       ///< the same bits
    kWrong = 2,       ///< no answer that its layers could have given, but no proof for others
    kUnanswered = 3,  ///< no answer in time, or evidence refused
    kConvicted = 4,   ///< a signed result that its layers do not give
};

/// "right", "wrong", "unanswered", "convicted"; "nothing" where an audit came to nothing.
std::string_view finding_name(const std::optional<Finding>& finding);

/// What audits of one server found, faded with time.
struct AuditCounts {
    double right = 0;         ///< the same bits
    double wrong = 0;         ///< no answer of its layers, but nothing that convicts
    double unanswered = 0;    ///< time-outs, and evidence refused; counted apart from accuracy
    std::uint64_t at_ms = 0;  ///< when they were last brought up to date

    /// A conviction is not counted: it ends everything.
    void add(Finding finding);
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

/// papers B: Eq 4, with the middle that bounds have: deactivated if even the upper bound's score is
/// below theta, on probation if only the lower bound's is. `convicted` is the sentence that
/// convicts it, empty if none does. `counts` are faded to now already.
Standing standing_of(const AuditCounts& counts, const std::string& convicted, std::uint32_t layers,
                     std::uint32_t most_layers, const TrustRules& rules);

/// The chance with which one of its answers is to be audited: all while it is on probation, then
/// fewer with each audit that it passed, down to the rules' rate after 140. Who turns on his first
/// day is found on it, and who waits works honestly for longer than the lie pays.
double audit_chance(const AuditCounts& counts, ServerStatus status, const TrustRules& rules);

}  // namespace cairn::trust
