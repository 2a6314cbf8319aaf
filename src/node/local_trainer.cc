#include "node/local_trainer.h"

#include <algorithm>

#include "base/float_mode.h"
#include "base/int128.h"
#include "consensus/contribution_rules.h"
#include "consensus/exact_dot.h"
#include "train/data.h"
#include "train/local_steps.h"
#include "worth/network_rules.h"

namespace cairn::node {
namespace {

/// Rescaling is nearly exact; a second look catches roundings at the band's edge.
constexpr int kMaxRescales = 3;
/// How far inside C5's band of norms to stay: a reorganisation may change the mean a little.
constexpr double kEdge = 0.05;

}  // namespace

Result<std::unique_ptr<LocalTrainer>> LocalTrainer::create(
    const chain::NetworkDefinition& network, std::vector<std::uint32_t> tokens,
    std::span<const std::uint32_t> judge_tokens, std::uint64_t seed, const tensor::Kernels* kernels,
    std::size_t threads) {
    const model::ModelConfig config = worth::model_config(network);
    RETURN_IF_ERROR(model::validate(config));
    RETURN_IF_ERROR(train::validate(worth::train_recipe(network), config));
    RETURN_IF_ERROR(train::check_tokens(tokens, config.context, config.vocab));
    if (network.public_share > 0) {
        RETURN_IF_ERROR(train::check_tokens(judge_tokens, config.context, config.vocab));
        const auto sources = train::parts_of(judge_tokens, network.judge_parts());
        tokens = train::mix_texts(std::move(tokens), sources, network.public_share);
    }
    return std::unique_ptr<LocalTrainer>(
        new LocalTrainer(network, std::move(tokens), seed, kernels, threads));
}

LocalTrainer::LocalTrainer(const chain::NetworkDefinition& network,
                           std::vector<std::uint32_t> tokens, std::uint64_t seed,
                           const tensor::Kernels* kernels, std::size_t threads)
    : network_(network),
      tokens_(std::move(tokens)),
      layout_(worth::model_config(network), codec::kTile),
      codec_(network.codec),
      pool_(threads),
      compute_{kernels, &pool_},
      trainer_(layout_, worth::train_recipe(network), tokens_, seed, compute_) {}

Result<RoundPayload> LocalTrainer::produce(const RoundTask& task) {
    CHECK(task.weights != nullptr && task.weights->size() == layout_.size());
    set_float_mode();
    const std::uint64_t first_step = std::uint64_t{task.round} * network_.recipe.local_steps;
    ASSIGN_OR_RETURN(
        train::LocalRun run,
        train::run_local_steps(trainer_, *task.weights, first_step, network_.recipe.local_steps,
                               task.stop, [&](const train::StepReport& report) {
                                   if (task.progress)
                                       task.progress(
                                           static_cast<std::uint32_t>(report.step - first_step + 1),
                                           report.loss);
                               }));
    RoundPayload made;
    made.steps = static_cast<std::uint32_t>(run.steps);
    made.last_loss = run.last_loss;
    if (run.steps == 0) return made;
    ASSIGN_OR_RETURN(made.payload, encode_in_band(std::move(run.delta), task));
    return made;
}

std::uint64_t LocalTrainer::decoded_norm(const model::ParameterLayout& layout,
                                         const std::vector<std::int32_t>& decoded) {
    Int128 square = 0;
    const std::span<const std::int32_t> all(decoded);
    for (const model::TensorInfo& tensor : layout.tensors()) {
        const auto part = all.subspan(tensor.offset, tensor.size());
        square += consensus::dot(part, part);
    }
    return consensus::integer_sqrt(square);
}

Result<Bytes> LocalTrainer::encode_in_band(std::vector<float> delta, const RoundTask& task) {
    Bytes payload;
    for (int i = 0; i < kMaxRescales; ++i) {
        payload = codec::encode(codec_, codec::to_fixed(delta), task.codec_seed);
        ASSIGN_OR_RETURN(const auto decoded,
                         codec::decode(codec_, payload, task.codec_seed, layout_.size()));
        const auto norm = static_cast<double>(decoded_norm(layout_, decoded));
        const consensus::NormBand band = consensus::norm_band(task.rules, task.mean_norm);
        const auto least = static_cast<double>(band.least);
        const auto most = static_cast<double>(band.most);
        const bool clear_of_edges = norm >= least * (1 + kEdge) && norm <= most * (1 - kEdge);
        if (band.most == 0 || norm == 0 || clear_of_edges) break;
        const double wanted = std::clamp(norm, least * (1 + 2 * kEdge), most * (1 - 2 * kEdge));
        const double scale = wanted / norm;
        if (i == 0) ++rescaled_;
        for (float& entry : delta) entry = static_cast<float>(entry * scale);
    }
    return payload;
}

}  // namespace cairn::node
