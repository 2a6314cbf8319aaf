#include "serve/model_snapshot.h"

#include "crypto/hash.h"
#include "model/held_layers.h"
#include "tensor/elementwise.h"

namespace cairn::serve {

namespace {

using model::tensor_at;
using tensor::Weight;

ByteView canonical_bytes(const Weight& weight) {
    CHECK(!weight.packed);
    return {static_cast<const std::uint8_t*>(weight.data), weight.canonical_bytes()};
}

bool is_in(const model::TensorInfo& info, model::LayerRange range) {
    return model::is_per_layer(info.kind) && range.contains(info.layer);
}

}  // namespace

Hash256 content_hash(const model::ModelConfig& config, const model::Weights& weights) {
    CHECK(weights.layers.size() == config.layers);
    // BIP340's tagged hash, piece by piece: a model may be too large for one buffer.
    const Hash256 tag = crypto::sha256(as_bytes("cairn/model/1"));
    crypto::Sha256 hasher;
    hasher.update(tag.view()).update(tag.view());
    Writer shape;
    model::encode(config, shape);
    hasher.update(shape.out());
    const model::ParameterLayout layout(config);
    for (const model::TensorInfo& info : layout.tensors()) {
        const Weight& weight = tensor_at(weights, info.kind, info.layer);
        CHECK(!weight.empty());
        // The type f32 is left out (S19): a model of f32 is named by its numbers alone.
        if (weight.type != tensor::WeightType::kF32)
            hasher.update(as_bytes(tensor::weight_type_name(weight.type)));
        hasher.update(canonical_bytes(weight));
    }
    return hasher.finish();
}

Result<ModelSnapshot> snapshot_of(std::shared_ptr<const model::Model> model) {
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
    snapshot.hash = content_hash(snapshot.config, snapshot.weights);
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
    return {whole.config, packed.weights, packed.storage, whole.hash};
}

bool has_layers(const ModelSnapshot& snapshot, model::LayerRange range) {
    return model::has_layers(snapshot.config, snapshot.weights, range);
}

}  // namespace cairn::serve
