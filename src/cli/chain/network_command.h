// `cairn network create`: a new network from a preset (or a network.json to start from) and texts,
// made by node/create_network.h. What is not given comes from the preset.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace cairn::cli {

struct NetworkRequest {
    std::string directory;
    std::string name = "cairn";
    std::string config = "demo";  ///< "tiny", "demo", or a network.json to start from
    std::string work;             ///< empty: that of the config
    std::string codec;            ///< empty: that of the config
    std::optional<std::uint32_t> codec_values, codec_bits;
    bool one_winner = false;
    std::string optimiser;                 ///< empty: that of the config; of one winner sgd
    std::optional<double> rate;            ///< the learning rate
    std::vector<std::string> judge_files;  ///< one, or several sources
    std::vector<std::string> report_files;
    std::vector<std::string> tokenizer_texts;  ///< empty: the judge text
    std::vector<std::string> members;          ///< hexadecimal keys; some: a private network
    std::optional<double> public_share;
    std::optional<double> block_seconds;
    std::vector<std::string> settings;  ///< "recipe.local_steps=200" (network_settings.h)
    std::optional<std::uint32_t> vocab;
    std::uint64_t seed = 1;             ///< of the first weights
    std::uint64_t genesis_time_ms = 0;  ///< 0: now
    bool json = false;
};

Status run_network_create(const NetworkRequest& request, std::ostream& out);

}  // namespace cairn::cli
