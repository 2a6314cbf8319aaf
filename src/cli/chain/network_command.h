// `cairn network create`: a new network from a preset (or a network.json to start from) and texts.
// It trains the tokenizer, turns the judge and report texts into token ids, and writes all of it
// where `cairn node` looks. What is not given comes from the preset; the start values of norm and
// worth, unless the preset has its own, are measured by training one round (node/calibrate.h). The
// result is the readable network.json.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "chain/network.h"

namespace cairn::cli {

struct NetworkRequest {
    std::string directory;
    std::string name = "cairn";
    std::string config = "demo";  ///< "tiny", "demo", or a network.json to start from
    std::string judge_file;
    std::string report_file;
    std::vector<std::string> tokenizer_texts;  ///< empty: the judge text
    std::vector<std::string> members;          ///< hexadecimal keys; some: a private network
    std::optional<std::uint32_t> vocab;
    std::uint64_t seed = 1;             ///< of the first weights
    std::uint64_t genesis_time_ms = 0;  ///< 0: now
    bool json = false;
};

/// What --config names, before texts and names are put in.
Result<chain::NetworkDefinition> network_preset(const std::string& config);

Status run_network_create(const NetworkRequest& request, std::ostream& out);

}  // namespace cairn::cli
