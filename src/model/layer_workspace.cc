#include "model/layer_workspace.h"

namespace cairn::model {

using tensor::Matrix;

namespace {

bool is_computed(LayerSteps steps, Projection projection) {
    if (steps == LayerSteps::kAll) return true;
    const bool joins = projection == Projection::kOutput || projection == Projection::kDown;
    return joins == (steps == LayerSteps::kJoin);
}

}  // namespace

LayerWorkspace::LayerWorkspace(const ModelConfig& config, std::size_t rows, LayerSteps which)
    : steps(which), attn_output(rows * config.q_dim()), up(rows * config.hidden_dim) {
    if (steps != LayerSteps::kShare) normed.resize(rows * config.dim);
    if (steps != LayerSteps::kJoin) {
        query.resize(rows * config.q_dim());
        key.resize(rows * config.kv_dim());
        value.resize(rows * config.kv_dim());
        if (config.is_gated()) gate.resize(rows * config.hidden_dim);
    }
    for (std::size_t i = 0; i < inner.size(); ++i) {
        const auto projection = static_cast<Projection>(i);
        if (is_computed(steps, projection)) inner[i].resize(rows * config.widest_inner(projection));
    }
}

// What may share memory: LayerBuffers.
LayerBuffers LayerWorkspace::buffers(const ModelConfig& config, std::uint32_t layer, Matrix x) {
    CHECK(x.cols == config.dim);
    const auto view = [&](std::vector<float>& values, std::size_t cols) {
        if (values.empty()) return Matrix();
        CHECK(x.rows * cols <= values.size());
        return Matrix(values.data(), x.rows, cols);
    };
    const bool from_norm =
        steps != LayerSteps::kShare && config.norm_position != NormPosition::kPost;
    LayerBuffers b;
    b.branch = b.attn_post_input = b.ffn_post_input = view(normed, config.dim);
    b.attn_norm_input = b.cross_norm_input = b.ffn_norm_input = x;
    b.attn_input = b.cross_input = b.ffn_input = from_norm ? b.branch : x;
    b.query = b.query_raw = b.cross_query = view(query, config.q_dim());
    b.key = b.key_raw = view(key, config.kv_dim());
    b.value = view(value, config.kv_dim());
    b.attn_output = b.cross_output = view(attn_output, config.q_dim());
    b.up = b.activated = view(up, config.hidden_dim);
    if (!gate.empty()) b.gate = b.activated = view(gate, config.hidden_dim);
    for (std::size_t i = 0; i < inner.size(); ++i) {
        const auto projection = static_cast<Projection>(i);
        const std::uint32_t rank = config.rank(projection, layer);
        if (rank > 0) b.inner[i] = view(inner[i], config.inner_width(projection, rank));
    }
    return b;
}

}  // namespace cairn::model
