// The model of a network's chain at genesis, made from the files in a node's folder: for commands
// that judge blocks themselves.
#pragma once

#include <memory>
#include <string>

#include "chain/network.h"
#include "worth/chain_model.h"

namespace cairn::cli {

/// Needs the judge text; says what to do where it is not there.
Result<std::unique_ptr<worth::ChainModel>> make_chain_model(const std::string& directory,
                                                            const chain::NetworkDefinition& network,
                                                            const tensor::Compute& compute);

}  // namespace cairn::cli
