#include "cli/chain/chain_model.h"

#include "node/assets.h"

namespace cairn::cli {

Result<std::unique_ptr<worth::ChainModel>> make_chain_model(const std::string& directory,
                                                            const chain::NetworkDefinition& network,
                                                            const tensor::Compute& compute) {
    auto judge = node::Assets(directory).get(network.judge_hash);
    if (!judge.ok())
        return Error{judge.error().code, "the judge text is not here yet (" +
                                             judge.error().message + "): let `cairn node --dir " +
                                             directory + "` fetch it first"};
    ASSIGN_OR_RETURN(std::vector<std::uint32_t> tokens, node::token_text_from_bytes(**judge));
    return worth::ChainModel::create(network, std::move(tokens), compute);
}

}  // namespace cairn::cli
