// CONSENSUS: changing a result here splits the network.
#include "audit/replay.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include <fmt/core.h>

namespace cairn::audit {

namespace {

constexpr std::size_t kBatch = 64;

bool has_layers(const model::Weights& weights, model::LayerRange layers) {
    if (layers.begin >= layers.end || layers.end > weights.layers.size()) return false;
    for (std::uint32_t i = layers.begin; i < layers.end; ++i)
        if (weights.layers[i].wq.empty()) return false;
    return true;
}

}  // namespace

Verdict replay(const model::ModelConfig& config, const model::Weights& weights,
               const ReplayClaim& claim, const tensor::Compute& compute) {
    if (!has_layers(weights, claim.layers))
        return Verdict::undecided("the auditor does not hold these layers");
    const std::size_t dim = config.dim;
    const std::size_t rows = claim.inputs.size() / dim;
    if (rows * dim != claim.inputs.size() || rows > config.context)
        return Verdict::invalid("the inputs are not rows of a sequence of this model");
    if (claim.outputs.size() != claim.inputs.size())
        return Verdict::invalid("there are not as many outputs as inputs");
    for (std::size_t i = 0; i < claim.inputs.size(); ++i)
        if (!std::isfinite(claim.inputs[i]))
            return Verdict::invalid(
                fmt::format("the input in row {}, column {} is not finite", i / dim, i % dim));

    model::Transformer transformer(config, weights, claim.layers, compute,
                                   {.max_batch = kBatch, .max_positions = rows});
    model::KvCache cache(config, claim.layers, rows, claim.kv);
    std::vector<float> hidden;
    for (std::size_t row = 0; row < rows; row += kBatch) {
        const std::size_t n = std::min(kBatch, rows - row);
        const auto given = claim.inputs.subspan(row * dim, n * dim);
        const auto claimed = claim.outputs.subspan(row * dim, n * dim);
        hidden.assign(given.begin(), given.end());
        transformer.forward(hidden, cache);
        for (std::size_t i = 0; i < hidden.size(); ++i)
            if (std::bit_cast<std::uint32_t>(hidden[i]) != std::bit_cast<std::uint32_t>(claimed[i]))
                return Verdict::invalid(
                    fmt::format("the output in row {}, column {} is {:a}, it should be {:a}",
                                row + i / dim, i % dim, claimed[i], hidden[i]));
    }
    return Verdict::valid();
}

}  // namespace cairn::audit
