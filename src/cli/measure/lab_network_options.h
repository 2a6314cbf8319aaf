// The options that `cairn lab attacks` and `cairn lab adversary` share: which network, which texts.
#pragma once

#include <cstdint>
#include <string>

#include "lab/lab_network.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace cairn::cli {

struct LabNetworkOptions {
    std::string preset = "tiny";
    std::uint32_t local_steps = 0;
    std::uint32_t decay_rounds = 0;
    lab::LabTexts texts;
};

/// `options` must live as long as the command. Options that `excludes` excludes.
void add_network_options(CLI::App& command, LabNetworkOptions& options,
                         CLI::Option* excludes = nullptr);

}  // namespace cairn::cli
