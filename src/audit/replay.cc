#include "audit/replay.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/core.h>

#include "model/held_layers.h"

namespace cairn::audit {

Result<std::vector<float>> recompute(const model::ModelConfig& config,
                                     const model::Weights& weights, model::LayerRange layers,
                                     std::span<const float> inputs, model::KvType kv,
                                     const tensor::Compute& compute, tensor::StateType states,
                                     model::Products* products) {
    if (!config.causal)
        return Error{ErrorCode::kUnsupported, "sessions of encoders are not replayed"};
    if (!model::has_layers(config, weights, layers))
        return not_found("the auditor does not hold these layers");
    const std::size_t dim = config.dim;
    const std::size_t rows = inputs.size() / dim;
    if (rows == 0 || rows * dim != inputs.size() || rows > config.context)
        return invalid("the inputs are not rows of a sequence of this model");
    for (std::size_t i = 0; i < inputs.size(); ++i)
        if (!std::isfinite(inputs[i]))
            return invalid(
                fmt::format("the input in row {}, column {} is not finite", i / dim, i % dim));

    model::Transformer transformer(config, weights, layers, compute,
                                   {.max_batch = kReplayRows, .max_positions = rows});
    transformer.set_products(products);
    model::KvCache cache(config, layers, rows, kv);
    std::vector<float> hidden(inputs.begin(), inputs.end());
    for (std::size_t row = 0; row < rows; row += kReplayRows)
        transformer.forward(
            std::span(hidden).subspan(row * dim, std::min(kReplayRows, rows - row) * dim), cache,
            states);
    return hidden;
}

Verdict replay(const model::ModelConfig& config, const model::Weights& weights,
               const ReplayClaim& claim, const tensor::Compute& compute) {
    const auto honest =
        recompute(config, weights, claim.layers, claim.inputs, claim.kv, compute, claim.states);
    if (!honest.ok())
        return honest.error().code == ErrorCode::kNotFound ||
                       honest.error().code == ErrorCode::kUnsupported
                   ? Verdict::undecided(honest.error().message)
                   : Verdict::invalid(honest.error().message);
    if (claim.outputs.size() != claim.inputs.size())
        return Verdict::invalid("there are not as many outputs as inputs");
    for (std::size_t i = 0; i < honest->size(); ++i)
        if (std::bit_cast<std::uint32_t>((*honest)[i]) !=
            std::bit_cast<std::uint32_t>(claim.outputs[i]))
            return Verdict::invalid(
                fmt::format("the output in row {}, column {} is {:a}, it should be {:a}",
                            i / config.dim, i % config.dim, claim.outputs[i], (*honest)[i]));
    return Verdict::valid();
}

}  // namespace cairn::audit
