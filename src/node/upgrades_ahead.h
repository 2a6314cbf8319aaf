// The upgrades that a network's definition has above a height, and what the node's owner must know
// of them: a program that does not know one stops right before it, and says so long before.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "chain/network.h"
#include "node/node_api.h"

namespace cairn::node {

/// Those above `height`, lowest first. `newest` is what the program knows.
std::vector<UpgradeView> upgrades_ahead(const chain::NetworkDefinition& network,
                                        std::uint32_t height, const chain::Versions& newest);

struct UpgradeNotice {
    std::string message;  ///< what the upgrade will do to this node, or has done
    std::string advice;
};

/// For the owner of a node whose tip is at `height`: the first upgrade that his program does not
/// know. None where it knows all.
std::optional<UpgradeNotice> unknown_upgrade(const chain::NetworkDefinition& network,
                                             std::uint32_t height, const chain::Versions& newest);

}  // namespace cairn::node
