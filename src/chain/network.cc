// CONSENSUS: changing a result here splits the network.
#include "chain/network.h"

#include <algorithm>

#include "base/check.h"

namespace cairn::chain {

std::vector<std::uint64_t> NetworkDefinition::judge_parts() const {
    std::vector<std::uint64_t> parts;
    for (const TextSource& source : sources) parts.push_back(source.judge_tokens);
    return parts;
}

std::vector<std::uint64_t> NetworkDefinition::report_parts() const {
    std::vector<std::uint64_t> parts;
    if (sources.empty() || sources.front().report_tokens == 0) return parts;
    for (const TextSource& source : sources) parts.push_back(source.report_tokens);
    return parts;
}

bool NetworkDefinition::is_member(const crypto::PublicKey& key) const {
    return !is_private() || std::binary_search(members.begin(), members.end(), key);
}

Versions NetworkDefinition::versions_at(std::uint32_t height) const {
    Versions versions{numerics_version, rules_version};
    for (const Upgrade& upgrade : upgrades) {
        if (upgrade.height > height) break;
        if (upgrade.numerics_version != 0) versions.numerics = upgrade.numerics_version;
        if (upgrade.rules_version != 0) versions.rules = upgrade.rules_version;
    }
    return versions;
}

std::uint32_t NetworkDefinition::round_of(std::uint32_t height) const {
    CHECK(height > 0);
    return (height - 1) / round_length;
}

bool NetworkDefinition::is_first_of_round(std::uint32_t height) const {
    return height > 0 && (height - 1) % round_length == 0;
}

bool NetworkDefinition::is_merge_height(std::uint32_t height) const {
    return height > 0 && height % round_length == 0;
}

std::uint32_t NetworkDefinition::merge_height(std::uint32_t round) const {
    return (round + 1) * round_length;
}

}  // namespace cairn::chain
