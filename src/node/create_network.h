// Makes a network: learns its tokenizer, turns the judge and report texts into token ids, measures
// the start values of norm and worth by training one round (node/calibrate.h), and writes
// network.json and its assets where `cairn node` looks. A network is made once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "chain/network.h"
#include "tensor/compute.h"

namespace cairn::node {

struct NewNetwork {
    std::string directory;
    /// All but what the texts decide: a preset (node/network_presets.h) with a name, seeds and
    /// members added.
    chain::NetworkDefinition definition;
    std::vector<std::string> judge_files;      ///< one, or 2 to 16 sources
    std::vector<std::string> report_files;     ///< as many, in the same order
    std::vector<std::string> tokenizer_texts;  ///< files; empty: the judge texts
};

struct CreatedNetwork {
    chain::NetworkDefinition definition;  ///< as written
    std::uint64_t parameters = 0;
    std::size_t judge_tokens = 0;
    std::size_t report_tokens = 0;
};

/// 0 threads: one per processor. Errors name the options of `cairn network create`. kRefused if the
/// folder has a network; kMisused if the definition is not valid, if it allows no payload as large
/// as its model's are, if there are not as many report as judge texts, or if two texts are the
/// same. Sources have the names of the judge files.
Result<CreatedNetwork> create_network(const NewNetwork& wanted, const tensor::Kernels* kernels,
                                      std::size_t threads);

}  // namespace cairn::node
