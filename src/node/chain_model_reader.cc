#include "node/chain_model_reader.h"

#include <algorithm>
#include <fstream>

#include "base/files.h"
#include "base/float_mode.h"
#include "formats/checkpoint.h"
#include "infer/generate.h"
#include "node/chain_state.h"
#include "node/past_model.h"
#include "train/data.h"
#include "worth/report.h"

namespace cairn::node {
namespace {

/// Enough that the published loss of one network moves smoothly from merge to merge.
constexpr std::uint32_t kReportTokens = 16'384;
constexpr float kTemperature = 0.8F;
constexpr std::uint32_t kTopK = 40;

/// A new model may replace an earlier one; any other file belongs to somebody.
Status check_replaceable(const std::string& path) {
    if (!exists(path)) return ok_status();
    std::string magic(formats::kCheckpointMagic.size(), '\0');
    std::ifstream file(path, std::ios::binary);
    if (file.read(magic.data(), static_cast<std::streamsize>(magic.size())) &&
        magic == formats::kCheckpointMagic)
        return ok_status();
    return Error{ErrorCode::kRefused,
                 path + " exists and holds no model of Cairn: name another file"};
}

}  // namespace

ChainModelReader::ChainModelReader(const worth::ChainModel& model,
                                   std::vector<std::uint32_t> report_tokens,
                                   std::vector<std::uint64_t> report_parts,
                                   std::shared_ptr<const text::Tokenizer> tokenizer,
                                   const tensor::Kernels* kernels, std::size_t threads)
    : model_(model),
      layout_(model.layout()),
      report_tokens_(std::move(report_tokens)),
      report_parts_(std::move(report_parts)),
      tokenizer_(std::move(tokenizer)),
      pool_(threads),
      compute_{kernels, &pool_} {}

WeightsPtr ChainModelReader::weights(const ChainState&) const {
    const auto weights = model_.state().weights();
    return std::make_shared<const std::vector<float>>(weights.begin(), weights.end());
}

WeightsPtr ChainModelReader::weights_at(const ChainState& state, const BlockNode* block) const {
    const auto later = state.merges_above(block);
    if (!later) return nullptr;
    if (later->empty()) return weights(state);
    return std::make_shared<const std::vector<float>>(
        worth::weights_of(model_.theta_before(*later)));
}

std::optional<ThetaCopy> ChainModelReader::theta_at(const ChainState& state,
                                                    const BlockNode* block) const {
    const auto later = state.merges_above(block);
    if (!later) return std::nullopt;
    return ThetaCopy{layout_.config(), model_.theta_before(*later)};
}

model::Model ChainModelReader::model_of(WeightsPtr weights) const {
    model::Model model;
    model.config = layout_.config();
    model.weights = model::view_weights(layout_, *weights);
    model.storage = std::move(weights);
    return model;
}

Result<std::vector<double>> ChainModelReader::report_losses(const std::vector<float>& weights) {
    const MutexLock lock(use_);
    const std::uint32_t context = layout_.config().context;
    RETURN_IF_ERROR(train::check_tokens(report_tokens_, context, layout_.config().vocab));
    set_float_mode();
    return worth::report_losses(layout_, weights, report_tokens_, report_parts_, context,
                                std::max(1U, kReportTokens / context), compute_);
}

Result<std::string> ChainModelReader::generate(const std::vector<float>& weights,
                                               const std::string& prompt, std::uint32_t max_tokens,
                                               std::uint64_t seed) {
    if (!tokenizer_) return Error{ErrorCode::kUnsupported, "this node has no tokenizer"};
    const MutexLock lock(use_);
    set_float_mode();
    const model::ModelConfig& config = layout_.config();
    text::Tokens tokens = tokenizer_->encode(prompt);
    tokens.insert(tokens.begin(), tokenizer_->begin_token());
    const model::LayerRange all = model::all_layers(config);
    model::Model plain;
    plain.config = config;
    plain.weights = model::view_weights(layout_, weights);
    const model::Model packed = model::pack_model(compute_, plain);
    model::Transformer transformer(config, packed.weights, all, compute_);
    model::KvCache cache(config, all, config.context);
    infer::LocalLayers layers(transformer, cache);
    infer::GenerateOptions options;
    options.max_tokens = max_tokens;
    options.sampling.temperature = kTemperature;
    options.sampling.top_k = kTopK;
    options.sampling.seed = seed;
    ASSIGN_OR_RETURN(
        const infer::Generated written,
        infer::generate(compute_, transformer, layers, tokens, options,
                        [this](std::uint32_t token) { return tokenizer_->is_end(token); }, {}));
    text::StreamDecoder decoder(*tokenizer_);
    std::string text;
    for (const std::uint32_t token : written.tokens) text += decoder.push(token);
    return text + decoder.finish();
}

Status ChainModelReader::export_model(const std::vector<float>& weights, const std::string& path) {
    RETURN_IF_ERROR(check_replaceable(path));
    return formats::save_checkpoint(own_model(layout_, weights, tokenizer_.get()), path);
}

}  // namespace cairn::node
