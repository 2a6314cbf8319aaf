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
      workspace_(config, max_rows, LayerSteps::kJoin) {
    CHECK(validate(config).ok() && weights_.layers.size() == config.layers);
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
    round(x, rows);
    for (std::uint32_t layer = run.begin; layer < run.end; ++layer) {
        const LayerWeights& w = weights_.layers[layer];
        const LayerBuffers b = workspace_.buffers(config_, layer, x);
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
