// The options that `cairn lab attacks` and `cairn lab adversary` share: which network, which texts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/options.h"
#include "lab/lab_network.h"

namespace cairn::cli {

class Command;
class Option;

struct LabNetworkOptions {
    std::string preset = "tiny";
    std::uint32_t local_steps = 0;
    std::uint32_t decay_rounds = 0;
    lab::LabTexts texts;
};

/// `options` must live as long as the command. Options that `excludes` excludes.
void add_network_options(const Command& command, LabNetworkOptions& options,
                         std::optional<Option> excludes = std::nullopt);

}  // namespace cairn::cli
