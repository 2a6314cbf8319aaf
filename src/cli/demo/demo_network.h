// The demo's network definition: small enough for two cores to train it and to check each other's
// work, large enough to write text that reads like its books. The figures come from
// docs/measurements/demo-recipe.md.
#pragma once

#include <cstdint>
#include <string>

#include "chain/network.h"
#include "cli/demo/demo_texts.h"

namespace cairn::cli {

struct DemoNetwork {
    std::string file;  ///< network.json, its assets beside it
    std::string genesis_id;
    std::vector<std::string> summary;  ///< short lines for people
    std::uint32_t layers = 0;
};

/// Everything but the hashes of its texts.
chain::NetworkDefinition demo_definition(std::uint64_t seed, std::uint64_t genesis_time_ms);

/// Trains the tokenizer on the judge text, writes network.json and its assets into `folder`.
Result<DemoNetwork> create_demo_network(const std::string& folder, const DemoTexts& texts,
                                        std::uint64_t seed);

}  // namespace cairn::cli
