#include "serve/model_snapshot.h"

#include "model/held_layers.h"
#include "tensor/elementwise.h"

namespace cairn::serve {

namespace {

using model::tensor_at;
using tensor::Weight;

}  // namespace

Hash256 content_hash(const model::ModelConfig& config, const model::Weights& weights) {
    return fetch::name_model(config, weights).manifest.name();
}

Result<ModelSnapshot> snapshot_of(std::shared_ptr<const model::Model> model,
                                  fetch::NamedModel* named) {
    const model::ParameterLayout layout = model->layout();
    for (const model::TensorInfo& info : layout.tensors()) {
        const Weight& weight = tensor_at(model->weights, info.kind, info.layer);
        if (weight.is_dense_f32() &&
            !tensor::all_finite(info.size(), static_cast<const float*>(weight.data)))
            return invalid("tensor " + info.name + " has a NaN or infinity");
    }
    ModelSnapshot snapshot;
    snapshot.config = model->config;
    snapshot.weights = model->weights;
    fetch::NamedModel made = fetch::name_model(snapshot.config, snapshot.weights);
    snapshot.hash = made.manifest.name();
    if (named != nullptr) *named = std::move(made);
    snapshot.storage = std::move(model);
    return snapshot;
}

ModelSnapshot keep_layers(const tensor::Compute& compute, const ModelSnapshot& whole,
                          model::LayerRange range) {
    CHECK(has_layers(whole, range));
    model::Model share;
    share.config = whole.config;
    share.weights.layers.resize(whole.config.layers);
    const model::ParameterLayout layout(whole.config);
    for (const model::TensorInfo& info : layout.tensors())
        if (is_in(info, range))
            tensor_at(share.weights, info.kind, info.layer) =
                tensor_at(whole.weights, info.kind, info.layer);
    const model::Model packed = model::pack_model(compute, share);
    return {whole.config, packed.weights, packed.storage, whole.hash, whole.chain_name};
}

bool has_layers(const ModelSnapshot& snapshot, model::LayerRange range) {
    return model::has_layers(snapshot.config, snapshot.weights, range);
}

}  // namespace cairn::serve
