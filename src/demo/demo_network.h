// The demo's network: node/network_presets.h's "demo" with the demo's texts.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "demo/demo_texts.h"

namespace cairn::demo {

struct DemoNetwork {
    std::string file;  ///< network.json, its assets beside it
    std::string genesis_id;
    std::vector<std::string> summary;  ///< short lines for people
    std::uint32_t layers = 0;
};

/// Trains the tokenizer on the judge text, writes network.json and its assets into `folder`.
/// `work`: one of chain::kWorkNames, or empty for the preset's.
Result<DemoNetwork> create_demo_network(const std::string& folder, const DemoTexts& texts,
                                        std::uint64_t seed, const std::string& work);

}  // namespace cairn::demo
