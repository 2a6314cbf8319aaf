#include "model/share_layers.h"

#include <utility>

namespace cairn::model {

using tensor::Matrix;

ShareLayers::ShareLayers(const ModelConfig& config, const LayerShare& share, Weights weights,
                         const tensor::Compute& compute, std::size_t max_rows,
                         std::size_t max_positions)
    : config_(share_config(config, share)),
      weights_(std::move(weights)),
      compute_(compute),
      max_positions_(max_positions) {
    CHECK(validate(config).ok() && check_share(config, share).ok());
    CHECK(max_positions >= 1 && max_positions <= config.context);
    const std::size_t n = max_rows;
    if (share.groups() > 0) rope_ = rope_tables(config_, max_positions);
    query_.resize(n * config_.q_dim());
    key_.resize(n * config_.kv_dim());
    value_.resize(n * config_.kv_dim());
    attn_output_.resize(n * config_.q_dim());
    up_.resize(n * config_.hidden_dim);
    if (config_.is_gated()) gate_.resize(n * config_.hidden_dim);
    for (const Projection projection : {Projection::kQuery, Projection::kKey, Projection::kValue,
                                        Projection::kGate, Projection::kUp})
        inner_[static_cast<std::size_t>(projection)].resize(n * config_.widest_inner(projection));
}

// Steps that nobody reads again share memory, as in Transformer.
LayerBuffers ShareLayers::buffers(std::uint32_t layer, Matrix input) {
    const auto view = [&](std::vector<float>& values, std::size_t cols) {
        CHECK(input.rows * cols <= values.size());
        return Matrix(values.data(), input.rows, cols);
    };
    CHECK(input.cols == config_.dim);
    LayerBuffers b;
    b.attn_input = b.ffn_input = input;
    b.query = b.query_raw = view(query_, config_.q_dim());
    b.key = b.key_raw = view(key_, config_.kv_dim());
    b.value = view(value_, config_.kv_dim());
    b.attn_output = view(attn_output_, config_.q_dim());
    b.up = b.activated = view(up_, config_.hidden_dim);
    if (!gate_.empty()) b.gate = b.activated = view(gate_, config_.hidden_dim);
    for (std::size_t i = 0; i < kProjections; ++i) {
        const auto projection = static_cast<Projection>(i);
        const std::uint32_t rank = config_.rank(projection, layer);
        if (rank > 0 && !inner_[i].empty())
            b.inner[i] = view(inner_[i], config_.inner_width(projection, rank));
    }
    return b;
}

Matrix ShareLayers::heads(std::uint32_t layer, Matrix attn_input,
                          std::span<const Segment> segments) {
    CHECK(config_.kv_heads > 0);
    const LayerGraph graph{config_, compute_};
    if (!std::exchange(reserved_, true))
        tensor::reserve_attention(compute_, attention_shape(config_, 0, 1, 1, max_positions_ - 1));
    const LayerBuffers b = buffers(layer, attn_input);
    queries_keys_values(graph, weights_.layers[layer], b);
    attend(graph, rope_, layer, b, segments, calls_);
    return b.attn_output;
}

Matrix ShareLayers::columns(std::uint32_t layer, Matrix ffn_input) {
    CHECK(config_.hidden_dim > 0);
    const LayerBuffers b = buffers(layer, ffn_input);
    feed_forward_columns({config_, compute_}, weights_.layers[layer], b);
    return b.activated;
}

}  // namespace cairn::model
