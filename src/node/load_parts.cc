#include "node/load_parts.h"

#include "base/files.h"
#include "base/log.h"
#include "base/priority.h"

namespace cairn::node {
namespace {

Result<std::vector<std::uint32_t>> text_asset(Assets& assets, const Hash256& hash) {
    ASSIGN_OR_RETURN(const auto bytes, assets.get(hash));
    return token_text_from_bytes(*bytes);
}

/// The report text; empty where the network names none.
Result<std::vector<std::uint32_t>> report_text(Assets& assets,
                                               const chain::NetworkDefinition& network) {
    if (network.report_hash.is_zero()) return std::vector<std::uint32_t>();
    ASSIGN_OR_RETURN(auto report, text_asset(assets, network.report_hash));
    std::uint64_t sum = 0;
    for (const std::uint64_t part : network.report_parts()) sum += part;
    if (sum == 0 || sum == report.size()) return report;
    return invalid("the sources have other lengths together than the report text");
}

Result<std::vector<std::uint32_t>> private_tokens(const std::vector<std::string>& files,
                                                  const text::Tokenizer& tokenizer) {
    std::vector<std::uint32_t> tokens;
    for (const std::string& name : files) {
        ASSIGN_OR_RETURN(const std::string text, read_text_file(name));
        tokens.push_back(tokenizer.begin_token());
        const text::Tokens more = tokenizer.encode(text);
        tokens.insert(tokens.end(), more.begin(), more.end());
    }
    log_info("training on {} private tokens", tokens.size());
    return tokens;
}

}  // namespace

Result<std::unique_ptr<NodeParts>> load_parts(const NodeOptions& options,
                                              const chain::NetworkDefinition& network,
                                              Assets& assets, const tensor::Kernels* kernels,
                                              std::uint64_t seed) {
    auto parts = std::make_unique<NodeParts>();
    parts->pool = std::make_unique<ThreadPool>(options.threads);
    ASSIGN_OR_RETURN(auto judge, text_asset(assets, network.judge_hash));
    ASSIGN_OR_RETURN(auto report, report_text(assets, network));
    if (!network.tokenizer_hash.is_zero()) {
        ASSIGN_OR_RETURN(const auto bytes, assets.get(network.tokenizer_hash));
        ASSIGN_OR_RETURN(parts->tokenizer, text::parse_tokenizer(*bytes));
    }
    ASSIGN_OR_RETURN(parts->model,
                     worth::ChainModel::create(network, judge, {kernels, parts->pool.get()}));
    parts->reader =
        std::make_unique<ChainModelReader>(*parts->model, std::move(report), network.report_parts(),
                                           parts->tokenizer, kernels, options.threads);
    if (options.serving) {
        ASSIGN_OR_RETURN(parts->served,
                         load_served(*options.serving, worth::model_config(network).layers));
    }
    if (options.train.empty()) return parts;
    if (!parts->tokenizer)
        return Error{ErrorCode::kUnsupported, "this network names no tokenizer to train with"};
    ASSIGN_OR_RETURN(auto tokens, private_tokens(options.train, *parts->tokenizer));
    Status made = ok_status();
    run_behind(training_behind(options), [&] {
        auto trainer =
            LocalTrainer::create(network, std::move(tokens), judge, seed, kernels, options.threads);
        if (trainer.ok())
            parts->trainer = *std::move(trainer);
        else
            made = trainer.error();
    });
    RETURN_IF_ERROR(made);
    return parts;
}

}  // namespace cairn::node
