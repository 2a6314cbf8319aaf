// Definitions to start a network from. They lack a name, texts and start values; create_network.h
// adds the texts and measures the values.
#pragma once

#include <string>

#include "chain/network.h"

namespace cairn::node {

/// "tiny" trains in seconds: for tests and for trying things out. "demo" is small enough for two
/// cores to train it and to check each other's work, large enough to write text that reads like
/// its books (figures: docs/measurements/demo-recipe.md). Else the path of a network.json whose
/// sizes and rules are taken. kMisused for anything else.
Result<chain::NetworkDefinition> network_preset(const std::string& config);

/// What a model of the size of the presets learns by.
inline constexpr std::uint32_t kSgdRatePpb = 500'000'000;

/// Changes what the network's miners compute, and both targets with it, so that a block takes as
/// long to find as before. No header then costs less than 32 hashes to make: who makes one pays
/// more than who checks it.
void set_work(chain::NetworkDefinition& network, chain::WorkFunction work);

/// Changes how long a block takes. Targets and half-life follow, so that the first blocks, too,
/// take so long with as much hash power as before.
void set_spacing(chain::NetworkDefinition& network, std::uint64_t spacing_ms);

/// Makes each block carry the update of who found it and nothing else (round_length 1), and leaves
/// out all that such a network has no use for. No rule reads the judge text there, so trainers are
/// not told to read it.
void set_one_winner(chain::NetworkDefinition& network);
/// Plain gradient descent at this rate, unclipped. Its steps are as long as the gradient is, so
/// rates are some hundred times AdamW's.
void set_sgd(chain::NetworkDefinition& network, std::uint32_t learning_rate_ppb = kSgdRatePpb);

}  // namespace cairn::node
