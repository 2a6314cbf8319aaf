// The network.json of a node's data directory: where it comes from, and how upgrades get into it.
#pragma once

#include <string>

#include "chain/network.h"
#include "node/assets.h"

namespace cairn::node {

/// "guild (0123456789ab)", for sentences.
std::string name_and_id(const chain::NetworkDefinition& network);

/// The network of the directory. If it has none yet, `network_file` (that of --network, or empty)
/// is copied there; if it has, that file must be of the same network, and upgrades and assets that
/// only it has are taken over.
Result<chain::NetworkDefinition> load_network(const std::string& directory,
                                              const std::string& network_file, Assets& assets);

}  // namespace cairn::node
