// The option --set of `cairn network create`: fields of a network's definition by their names in
// network.json.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "chain/network.h"

namespace cairn::cli {

/// The network with settings such as "recipe.local_steps=200" or "max_payments=100". Errors of the
/// command line, in words: a name that there is not (with the nearest that is), one that has an
/// option of its own or follows from the texts, a value that cannot be, numbers that do not fit
/// together.
Result<chain::NetworkDefinition> with_settings(const chain::NetworkDefinition& network,
                                               const std::vector<std::string>& settings);

}  // namespace cairn::cli
