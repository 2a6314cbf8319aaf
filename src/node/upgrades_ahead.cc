#include "node/upgrades_ahead.h"

#include <algorithm>

#include "node/clock_watch.h"

namespace cairn::node {

std::vector<UpgradeView> upgrades_ahead(const chain::NetworkDefinition& network,
                                        std::uint32_t height, const chain::Versions& newest) {
    std::vector<UpgradeView> ahead;
    for (const chain::Upgrade& upgrade : network.upgrades) {
        if (upgrade.height <= height) continue;
        const chain::Versions versions = network.versions_at(upgrade.height);
        ahead.push_back(
            {upgrade.height, versions.numerics, versions.rules, versions.known_to(newest)});
    }
    return ahead;
}

std::optional<UpgradeNotice> unknown_upgrade(const chain::NetworkDefinition& network,
                                             std::uint32_t height, const chain::Versions& newest) {
    const auto ahead = upgrades_ahead(network, height, newest);
    const auto unknown = std::ranges::find(ahead, false, &UpgradeView::known);
    if (unknown == ahead.end()) return std::nullopt;
    const std::string what = "block " + std::to_string(unknown->height) + " brings " +
                             chain::to_string({unknown->numerics_version, unknown->rules_version}) +
                             ", and this program knows " + chain::to_string(newest);
    const std::uint64_t blocks = unknown->height - height;
    if (blocks == 1)
        return UpgradeNotice{
            "this node can go no further: " + what,
            "install the newest Cairn and start it with the same folder; nothing is lost"};
    return UpgradeNotice{what + "; it is " + std::to_string(blocks) + " blocks away, about " +
                             span_text(blocks * network.spacing_ms),
                         "install a newer Cairn before, or this node stops there"};
}

}  // namespace cairn::node
