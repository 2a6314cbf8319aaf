// The options that `cairn lab attacks` and `cairn lab adversary` share: which network, which texts.
#pragma once

#include <optional>

#include "cli/options.h"
#include "lab/lab_network.h"

namespace cairn::cli {

class Command;
class Option;

/// `options` must live as long as the command. Options that `excludes` excludes.
void add_network_options(const Command& command, lab::LabNetworkChoice& options,
                         std::optional<Option> excludes = std::nullopt);

}  // namespace cairn::cli
