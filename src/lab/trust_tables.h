// The papers' trust scores under both policies (trust/score.h), and how soon servers that cheat are
// found by audits (audit_lottery.h, shared_audits.h).
#pragma once

#include <cstdint>
#include <vector>

#include "papers/result_table.h"

namespace cairn::lab {

struct TrustRequest {
    std::vector<std::uint32_t> layers = {1, 2, 5};  ///< of each server; one at least
    double theta = 0.3;                             ///< who scores less is removed
    double accuracy = 1;                            ///< of all of them
};
papers::ResultTable trust_table(const TrustRequest& request);

struct AuditsRequest {
    double audit_rate = 0.05;
    double cheat_rate = 0.2;
    std::uint64_t servers = 20'000;  // liars that are played for the curve
    std::uint64_t seed = 1;
};
/// Liars played for a curve, kinds of lying, nodes that audit together, and markets. `progress`
/// counts what is played.
papers::ResultTable audits_table(const AuditsRequest& request,
                                 const papers::TableProgress& progress = {});

}  // namespace cairn::lab
