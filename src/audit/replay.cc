#include "audit/replay.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

#include <fmt/core.h>

#include "model/encoder_decoder.h"
#include "model/held_layers.h"

namespace cairn::audit {

Result<std::vector<float>> recompute(const model::ModelConfig& config,
                                     const model::Weights& weights, model::LayerRange layers,
                                     std::span<const float> inputs, model::KvType kv,
                                     const tensor::Compute& compute, tensor::StateType states,
                                     std::size_t source_rows, model::Products* products) {
    if (!model::has_layers(config, weights, layers))
        return not_found("the auditor does not hold these layers");
    const std::size_t dim = config.dim;
    RETURN_IF_ERROR(model::check_source(config, source_rows, kv));
    const std::size_t all = inputs.size() / dim;
    if (all <= source_rows || all * dim != inputs.size() || all - source_rows > config.context)
        return invalid("the inputs are not rows of a sequence of this model");
    const std::size_t rows = all - source_rows;
    if (!config.causal &&
        (rows > source_rows ||
         !std::ranges::equal(inputs.subspan(source_rows * dim), inputs.first(rows * dim))))
        return invalid("an encoder's rows are asked for by its text, which these do not repeat");
    for (std::size_t i = 0; i < inputs.size(); ++i)
        if (!std::isfinite(inputs[i]))
            return invalid(
                fmt::format("the input in row {}, column {} is not finite", i / dim, i % dim));

    if (!config.causal) {
        model::Transformer whole(config, weights, layers, compute,
                                 {.max_batch = source_rows, .max_positions = source_rows});
        whole.set_products(products);
        const model::Segment text{nullptr, source_rows, states};
        std::vector<float> hidden(inputs.begin(),
                                  inputs.begin() + static_cast<std::ptrdiff_t>(source_rows * dim));
        whole.forward_segments(hidden, std::span(&text, 1));
        hidden.resize(rows * dim);
        return hidden;
    }
    model::Transformer transformer(config, weights, layers, compute,
                                   {.max_batch = kReplayRows, .max_positions = rows});
    transformer.set_products(products);
    std::optional<model::KvCache> source;
    if (source_rows > 0) {
        source.emplace(config, layers, source_rows, kv);
        transformer.read_source(inputs.first(source_rows * dim), *source);
    }
    model::KvCache cache(config, layers, rows, kv);
    const auto own = inputs.subspan(source_rows * dim);
    std::vector<float> hidden(own.begin(), own.end());
    for (std::size_t row = 0; row < rows; row += kReplayRows)
        transformer.forward(
            std::span(hidden).subspan(row * dim, std::min(kReplayRows, rows - row) * dim), cache,
            states, source ? &*source : nullptr);
    return hidden;
}

Verdict replay(const model::ModelConfig& config, const model::Weights& weights,
               const ReplayClaim& claim, const tensor::Compute& compute) {
    const auto honest = recompute(config, weights, claim.layers, claim.inputs, claim.kv, compute,
                                  claim.states, claim.source_rows);
    if (!honest.ok())
        return honest.error().code == ErrorCode::kNotFound ||
                       honest.error().code == ErrorCode::kUnsupported
                   ? Verdict::undecided(honest.error().message)
                   : Verdict::invalid(honest.error().message);
    if (claim.outputs.size() != honest->size())
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
