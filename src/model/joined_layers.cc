#include "model/joined_layers.h"

#include <utility>

namespace cairn::model {

using tensor::Matrix;

JoinedLayers::JoinedLayers(const ModelConfig& config, Weights weights,
                           const tensor::Compute& compute, std::size_t max_rows)
    : config_(config),
      weights_(std::move(weights)),
      compute_(compute),
      max_rows_(max_rows),
      normed_(max_rows * config.dim),
      attn_output_(max_rows * config.q_dim()),
      activated_(max_rows * config.hidden_dim) {
    CHECK(validate(config).ok() && weights_.layers.size() == config.layers);
    for (const Projection projection : {Projection::kOutput, Projection::kDown})
        inner_[static_cast<std::size_t>(projection)].resize(max_rows *
                                                            config.widest_inner(projection));
}

// Which steps share memory is as in Transformer.
LayerBuffers JoinedLayers::buffers(Matrix x) {
    const bool before = config_.norm_position != NormPosition::kPost;
    LayerBuffers b;
    b.branch = b.attn_post_input = b.ffn_post_input = Matrix(normed_.data(), x.rows, config_.dim);
    b.attn_norm_input = b.ffn_norm_input = x;
    b.attn_input = b.ffn_input = before ? b.branch : x;
    b.attn_output = Matrix(attn_output_.data(), x.rows, config_.q_dim());
    b.activated = Matrix(activated_.data(), x.rows, config_.hidden_dim);
    return b;
}

void JoinedLayers::set_inner(std::uint32_t layer, LayerBuffers& b) {
    for (const Projection projection : {Projection::kOutput, Projection::kDown}) {
        const auto i = static_cast<std::size_t>(projection);
        const std::uint32_t rank = config_.rank(projection, layer);
        if (rank > 0)
            b.inner[i] =
                Matrix(inner_[i].data(), b.branch.rows, config_.inner_width(projection, rank));
    }
}

void JoinedLayers::round(Matrix x, std::span<const RoundedRows> rows) {
    std::size_t row = 0;
    for (const RoundedRows& part : rows) {
        if (part.rows > 0)
            tensor::round_states(part.states, x.cols, {x.row(row), part.rows * x.cols});
        row += part.rows;
    }
    CHECK(row == x.rows);
}

Status JoinedLayers::forward(std::span<float> hidden, std::span<const RoundedRows> rows,
                             LayerRange run, ShareCalls& calls) {
    CHECK(hidden.size() % config_.dim == 0 && hidden.size() / config_.dim <= max_rows_);
    CHECK(run.begin <= run.end && run.end <= config_.layers);
    if (hidden.empty()) return ok_status();
    const LayerGraph graph{config_, compute_};
    const Matrix x(hidden.data(), hidden.size() / config_.dim, config_.dim);
    LayerBuffers b = buffers(x);
    round(x, rows);
    for (std::uint32_t layer = run.begin; layer < run.end; ++layer) {
        const LayerWeights& w = weights_.layers[layer];
        set_inner(layer, b);
        attention_input(graph, w, b, x);
        RETURN_IF_ERROR(calls.heads(layer, b.attn_input, b.attn_output));
        before_feed_forward(graph, w, b);
        RETURN_IF_ERROR(calls.columns(layer, b.ffn_input, b.activated));
        after_feed_forward(graph, w, b, x);
        round(x, rows);
    }
    return ok_status();
}

}  // namespace cairn::model
