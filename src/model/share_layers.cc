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
      max_positions_(max_positions),
      workspace_(config_, max_rows, LayerSteps::kShare) {
    CHECK(validate(config).ok() && check_share(config, share).ok());
    CHECK(max_positions >= 1 && max_positions <= config.context);
    if (share.groups() > 0) rope_ = rope_tables(config_, max_positions);
}

Matrix ShareLayers::heads(std::uint32_t layer, Matrix attn_input,
                          std::span<const Segment> segments) {
    CHECK(config_.kv_heads > 0);
    const LayerGraph graph{config_, compute_};
    if (!std::exchange(reserved_, true))
        tensor::reserve_attention(compute_, attention_shape(config_, 0, 1, 1, max_positions_ - 1));
    const LayerBuffers b = workspace_.buffers(config_, layer, attn_input);
    queries_keys_values(graph, weights_.layers[layer], b);
    attend(graph, rope_, layer, b, segments, calls_);
    return b.attn_output;
}

Matrix ShareLayers::columns(std::uint32_t layer, Matrix ffn_input) {
    CHECK(config_.hidden_dim > 0);
    const LayerBuffers b = workspace_.buffers(config_, layer, ffn_input);
    feed_forward_columns({config_, compute_}, weights_.layers[layer], b);
    return b.activated;
}

}  // namespace cairn::model
