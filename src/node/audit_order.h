// In which order a round's audits are made (S49). An audit may take minutes, if the server likes,
// and keys cost nothing, so whoever announces many servers must not delay the audits of all others.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/random.h"

namespace cairn::node {

/// The places of all `groups`, parts of the network, in an order by chance in which each group has
/// one before a second of any.
std::vector<std::size_t> audit_order(std::span<const std::string> groups, Random& random);

}  // namespace cairn::node
