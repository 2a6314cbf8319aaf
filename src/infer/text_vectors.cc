#include "infer/text_vectors.h"

#include <algorithm>

#include <fmt/core.h>

#include "model/encoder.h"
#include "model/kv_cache.h"

namespace cairn::infer {

namespace {

// Tokens that a language model reads at once, and the least that an encoder gets room for.
constexpr std::size_t kBatch = 128;

std::size_t longest(std::span<const std::vector<std::uint32_t>> texts) {
    std::size_t most = 1;
    for (const auto& text : texts) most = std::max(most, text.size());
    return most;
}

}  // namespace

TextVectors::TextVectors(const model::ModelConfig& config, model::Weights weights,
                         const tensor::Compute& compute, model::Pooling pooling)
    : config_(config), weights_(std::move(weights)), compute_(compute), pooling_(pooling) {}

Result<std::vector<std::vector<float>>> TextVectors::embed(
    std::span<const std::vector<std::uint32_t>> texts, bool normalised) const {
    std::vector<std::vector<float>> vectors;
    if (config_.causal) {
        for (const auto& text : texts) {
            ASSIGN_OR_RETURN(const std::vector<float> states, read(text));
            vectors.push_back(model::pooled(compute_, pooling_, states, config_.dim));
        }
    } else {
        ASSIGN_OR_RETURN(const auto states, encoded(texts));
        for (const std::vector<float>& text : states)
            vectors.push_back(model::pooled(compute_, pooling_, text, config_.dim));
    }
    if (normalised)
        for (std::vector<float>& vector : vectors) model::normalise(compute_, vector);
    return vectors;
}

Result<std::vector<std::vector<float>>> TextVectors::encoded(
    std::span<const std::vector<std::uint32_t>> texts) const {
    const std::size_t room = std::max(kBatch, longest(texts));
    model::Encoder encoder(config_, weights_, compute_,
                           std::min<std::size_t>(room, config_.context));
    return encoder.encode(texts);
}

Result<std::vector<float>> TextVectors::read(std::span<const std::uint32_t> tokens) const {
    if (tokens.empty()) return invalid("there is no token to read");
    if (tokens.size() > config_.context)
        return invalid(fmt::format("the text has {} tokens, this model takes {}", tokens.size(),
                                   config_.context));
    for (const std::uint32_t token : tokens)
        if (token >= config_.vocab)
            return invalid(fmt::format("token {} is outside the model's vocabulary of {}", token,
                                       config_.vocab));
    const model::LayerRange all = model::all_layers(config_);
    const std::size_t batch = std::min(tokens.size(), kBatch);
    model::Transformer transformer(config_, weights_, all, compute_,
                                   {.max_batch = batch, .max_positions = tokens.size()});
    model::KvCache cache(config_, all, tokens.size());
    std::vector<float> states(tokens.size() * config_.dim);
    for (std::size_t at = 0; at < tokens.size();) {
        const std::size_t n = std::min(batch, tokens.size() - at);
        const std::span<float> rows = std::span(states).subspan(at * config_.dim, n * config_.dim);
        transformer.embed(tokens.subspan(at, n), at, rows);
        transformer.forward(rows, cache);
        transformer.finish(rows);
        at += n;
    }
    return states;
}

}  // namespace cairn::infer
