#include "cli/chain/chain_model.h"

#include <optional>

#include "base/progress.h"
#include "base/shell_word.h"
#include "base/text.h"
#include "node/assets.h"

namespace cairn::cli {

Result<std::unique_ptr<worth::ChainModel>> make_chain_model(const std::string& directory,
                                                            const chain::NetworkDefinition& network,
                                                            const tensor::Compute& compute) {
    auto judge = node::Assets(directory).get(network.judge_hash);
    if (!judge.ok())
        return Error{judge.error().code, "the judge text is not here yet (" +
                                             judge.error().message + "): let `cairn node --dir " +
                                             shell_word(directory) + "` fetch it first"};
    ASSIGN_OR_RETURN(std::vector<std::uint32_t> tokens, node::token_text_from_bytes(**judge));
    return worth::ChainModel::create(network, std::move(tokens), compute);
}

namespace {

Result<std::uint64_t> height_of(const ChainReader& chain, const std::string& at) {
    if (at.empty())
        return node::served_height(chain.network, *chain.store, SystemClock().wall_ms());
    if (at == "best") return node::best_height(*chain.store);
    const auto height = parse_whole(at, "a height");
    if (!height.ok()) return misused("--at wants a height or best: " + height.error().message);
    return *height;
}

}  // namespace

Result<node::PastModel> past_model(const ChainReader& chain, const std::string& directory,
                                   const std::string& at, const tensor::Compute& compute) {
    ASSIGN_OR_RETURN(const std::uint64_t height, height_of(chain, at));
    const SystemClock clock;
    std::optional<Progress> bar;
    const auto progress = [&](std::uint64_t done, std::uint64_t total) {
        if (!bar) bar.emplace(clock, "replaying", total);
        bar->update(done);
    };
    return node::model_at({directory, chain.network, *chain.store, compute, progress}, height);
}

}  // namespace cairn::cli
