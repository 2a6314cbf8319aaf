// `cairn lab audits`, nodes that verify together: how many rounds a server that lies is used for by
// anybody, where each verifying node goes by its own audits alone, and where a proof is told to all
// (docs/spec/serving.md, S48). A round is one turn of every node's auditor (node/auditor.h); whom
// it audits is drawn by trust::audit_chance().
#pragma once

#include <cstdint>

#include "base/random.h"
#include "trust/score.h"

namespace cairn::lab {

struct SharedCase {
    std::uint32_t nodes = 20;     ///< that verify
    bool told = true;             ///< a proof that one has, all have in the same round
    bool patient = false;         ///< it is honest until all of them trust it
    double cheat_rate = 0.2;      ///< part of its answers that is wrong, then
    std::uint32_t newcomers = 0;  ///< nodes that begin to verify only when it has turned
};

struct SharedRounds {
    double mean = 0;         ///< rounds from its first lie until it is out for all nodes
    std::uint64_t p95 = 0;   ///< of all lives
    std::uint64_t most = 0;  ///< of all lives
    double audits = 0;       ///< by all nodes together in these rounds, on average
};

/// `lives` such servers, one after another.
SharedRounds play_together(const SharedCase& given, const trust::TrustRules& rules,
                           std::uint64_t lives, Random& random);

}  // namespace cairn::lab
