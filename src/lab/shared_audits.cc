#include "lab/shared_audits.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "base/uniform.h"

namespace cairn::lab {

namespace {

constexpr std::uint64_t kMaxRounds = 100'000;

/// What one node knows of the server.
struct Knows {
    trust::AuditCounts counts{};
    bool convicted = false;

    trust::ServerStatus status(const trust::TrustRules& rules) const {
        return standing_of(counts, convicted ? "it lied" : "", 1, 1, rules).status;
    }
};

struct Life {
    std::uint64_t rounds = 0;
    std::uint64_t audits = 0;
};

Life one_life(const SharedCase& given, const trust::TrustRules& rules, Random& random) {
    std::vector<Knows> nodes(given.nodes);
    bool lies = !given.patient;
    Life life;
    for (std::uint64_t round = 0; round < kMaxRounds; ++round) {
        bool proof = false;
        for (Knows& node : nodes) {
            if (node.convicted) continue;
            if (uniform(random) >= audit_chance(node.counts, node.status(rules), rules)) continue;
            life.audits += lies;
            if (lies && uniform(random) < given.cheat_rate)
                proof = node.convicted = true;
            else
                node.counts.add(trust::Finding::kRight);
        }
        life.rounds += lies;
        if (given.told && proof)
            for (Knows& node : nodes) node.convicted = true;
        if (std::ranges::all_of(nodes, &Knows::convicted)) return life;
        if (lies || !std::ranges::all_of(nodes, [&](const Knows& node) {
                return node.status(rules) == trust::ServerStatus::kActive;
            }))
            continue;
        lies = true;
        nodes.resize(nodes.size() + given.newcomers);
    }
    return life;
}

}  // namespace

SharedRounds play_together(const SharedCase& given, const trust::TrustRules& rules,
                           std::uint64_t lives, Random& random) {
    CHECK(lives > 0 && given.nodes > 0);
    std::vector<std::uint64_t> all;
    SharedRounds rounds;
    for (std::uint64_t i = 0; i < lives; ++i) {
        const Life life = one_life(given, rules, random);
        all.push_back(life.rounds);
        rounds.mean += static_cast<double>(life.rounds) / static_cast<double>(lives);
        rounds.audits += static_cast<double>(life.audits) / static_cast<double>(lives);
    }
    std::ranges::sort(all);
    rounds.p95 = all[all.size() * 95 / 100];
    rounds.most = all.back();
    return rounds;
}

}  // namespace cairn::lab
