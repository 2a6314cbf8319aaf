// Models of a network's chain, made from the files in a node's folder: the one at genesis, for
// commands that judge blocks themselves, and that of any height.
#pragma once

#include <memory>
#include <string>

#include "chain/network.h"
#include "cli/chain/data_directory.h"
#include "node/past_model.h"
#include "worth/chain_model.h"

namespace cairn::cli {

/// Needs the judge text; says what to do where it is not there.
Result<std::unique_ptr<worth::ChainModel>> make_chain_model(const std::string& directory,
                                                            const chain::NetworkDefinition& network,
                                                            const tensor::Compute& compute);

/// The model of the chain at `at`: a height, "best" (lowest report loss), or empty: the one that a
/// node on that chain serves. Shows progress where blocks must be replayed.
Result<node::PastModel> past_model(const ChainReader& chain, const std::string& directory,
                                   const std::string& at, const tensor::Compute& compute);

}  // namespace cairn::cli
