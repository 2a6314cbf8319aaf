#include "serve/model_snapshot.h"

#include "crypto/hash.h"

namespace cairn::serve {

namespace {

ByteView as_byte_view(std::span<const float> floats) {
    return {reinterpret_cast<const std::uint8_t*>(floats.data()), floats.size_bytes()};
}

/// The tensors of one layer, in the canonical order of ParameterLayout.
std::vector<std::span<const float>> tensors_of(const model::LayerWeights& layer) {
    return {layer.attn_norm, layer.wq,     layer.wk,   layer.wv,    layer.wo,
            layer.ffn_norm,  layer.w_gate, layer.w_up, layer.w_down};
}

}  // namespace

Hash256 content_hash(const model::ModelConfig& config, const model::Weights& weights) {
    CHECK(weights.layers.size() == config.layers);
    // BIP340's tagged hash, in pieces: a model may be larger than one buffer should be.
    const Hash256 tag = crypto::sha256(as_bytes("cairn/model/1"));
    crypto::Sha256 hasher;
    hasher.update(tag.view()).update(tag.view());
    Writer shape;
    model::encode(config, shape);
    hasher.update(shape.out());
    hasher.update(as_byte_view(weights.token_embedding));
    for (const model::LayerWeights& layer : weights.layers) {
        for (std::span<const float> tensor : tensors_of(layer)) {
            CHECK(!tensor.empty());
            hasher.update(as_byte_view(tensor));
        }
    }
    hasher.update(as_byte_view(weights.final_norm));
    if (!config.tied_head) hasher.update(as_byte_view(weights.head));
    return hasher.finish();
}

Result<ModelSnapshot> snapshot_of(std::shared_ptr<const model::Model> model) {
    const model::ParameterLayout layout = model->layout();
    RETURN_IF_ERROR(model::check_finite(layout, model->parameters));
    ModelSnapshot snapshot;
    snapshot.config = model->config;
    snapshot.weights = model::view_weights(layout, model->parameters);
    snapshot.hash = content_hash(snapshot.config, snapshot.weights);
    snapshot.storage = std::move(model);
    return snapshot;
}

ModelSnapshot keep_layers(const ModelSnapshot& whole, model::LayerRange range) {
    CHECK(has_layers(whole, range));
    std::size_t floats = 0;
    for (std::uint32_t layer = range.begin; layer < range.end; ++layer)
        for (std::span<const float> tensor : tensors_of(whole.weights.layers[layer]))
            floats += tensor.size();

    auto memory = std::make_shared<std::vector<float>>();
    memory->reserve(floats);
    const auto copy = [&memory](std::span<const float> from) {
        const std::size_t at = memory->size();
        memory->insert(memory->end(), from.begin(), from.end());
        return std::span<const float>(memory->data() + at, from.size());
    };
    ModelSnapshot kept{whole.config, {}, memory, whole.hash};
    kept.weights.layers.resize(whole.config.layers);
    for (std::uint32_t i = range.begin; i < range.end; ++i) {
        const model::LayerWeights& from = whole.weights.layers[i];
        model::LayerWeights& to = kept.weights.layers[i];
        to.attn_norm = copy(from.attn_norm);
        to.wq = copy(from.wq);
        to.wk = copy(from.wk);
        to.wv = copy(from.wv);
        to.wo = copy(from.wo);
        to.ffn_norm = copy(from.ffn_norm);
        to.w_gate = copy(from.w_gate);
        to.w_up = copy(from.w_up);
        to.w_down = copy(from.w_down);
    }
    CHECK(memory->size() == floats);
    return kept;
}

bool has_layers(const ModelSnapshot& snapshot, model::LayerRange range) {
    if (range.begin >= range.end || range.end > snapshot.weights.layers.size()) return false;
    for (std::uint32_t layer = range.begin; layer < range.end; ++layer)
        for (std::span<const float> tensor : tensors_of(snapshot.weights.layers[layer]))
            if (tensor.empty()) return false;
    return true;
}

}  // namespace cairn::serve
