// Weights: where each tensor of a model lies in memory, and Model: a whole one with the owner of
// that memory. Tensors may point into one flat array (training, the chain's state), into a mapped
// file, or into packed copies that products read faster; a server that holds some layers leaves the
// others empty. Matrices may have any type of tensor/weight.h; norms and biases are fp32.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "model/layout.h"
#include "tensor/weight.h"

namespace cairn::model {

/// Layers [begin, end) of a model.
struct LayerRange {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;

    std::uint32_t size() const { return end - begin; }
    bool contains(std::uint32_t layer) const { return layer >= begin && layer < end; }
    bool operator==(const LayerRange&) const = default;
};

inline LayerRange all_layers(const ModelConfig& config) { return {0, config.layers}; }

/// Whether the tensor belongs to one of these layers.
inline bool is_in(const TensorInfo& info, LayerRange range) {
    return is_per_layer(info.kind) && range.contains(info.layer);
}

/// Every tensor of one kind as the layout names it; what a configuration lacks is empty. A norm or
/// bias is a dense fp32 row. A matrix with a right factor beside it is a left factor (layout.h).
struct LayerWeights {
    tensor::Weight attn_norm, attn_norm_bias;    ///< [dim]
    tensor::Weight wq, bq;                       ///< [q_dim, dim], [q_dim]
    tensor::Weight wk, bk;                       ///< [kv_dim, dim], [kv_dim]
    tensor::Weight wv, bv;                       ///< [kv_dim, dim], [kv_dim]
    tensor::Weight q_norm, k_norm;               ///< [head_dim]
    tensor::Weight wo, bo;                       ///< [dim, q_dim], [dim]
    tensor::Weight attn_post_norm;               ///< [dim]
    tensor::Weight cross_norm, cross_norm_bias;  ///< [dim]
    tensor::Weight cross_wq, cross_bq;           ///< [q_dim, dim], [q_dim]
    tensor::Weight cross_wk, cross_bk;           ///< [kv_dim, dim], [kv_dim]
    tensor::Weight cross_wv, cross_bv;           ///< [kv_dim, dim], [kv_dim]
    tensor::Weight cross_wo, cross_bo;           ///< [dim, q_dim], [dim]
    tensor::Weight ffn_norm, ffn_norm_bias;      ///< [dim]
    tensor::Weight w_gate, b_gate;               ///< [hidden_dim, dim], [hidden_dim]
    tensor::Weight w_up, b_up;                   ///< [hidden_dim, dim], [hidden_dim]
    tensor::Weight w_down, b_down;               ///< [dim, hidden_dim], [dim]
    tensor::Weight ffn_post_norm;                ///< [dim]
    /// Right factors, empty where the matrix is whole.
    tensor::Weight wq_right, wk_right, wv_right, wo_right, w_gate_right, w_up_right, w_down_right;
};

struct Weights {
    tensor::Weight token_embedding;                      ///< [vocab, dim]
    tensor::Weight position_embedding;                   ///< [context, dim]
    tensor::Weight type_embedding;                       ///< [token_types, dim]
    tensor::Weight embedding_norm, embedding_norm_bias;  ///< [dim]
    std::vector<LayerWeights> layers;                    ///< config.layers of them
    tensor::Weight final_norm, final_norm_bias;          ///< [dim]
    tensor::Weight head;                                 ///< [vocab, dim]; the embedding when tied
    tensor::Weight head_bias;                            ///< [vocab]
};

/// A norm's or bias's values, or null where the configuration has none.
inline const float* floats(const tensor::Weight& row) {
    return row.empty() ? nullptr : row.f32().data;
}

/// The place of one tensor, for code that walks a layout; CHECKs the layer.
tensor::Weight& tensor_at(Weights& weights, TensorKind kind, std::uint32_t layer = 0);
const tensor::Weight& tensor_at(const Weights& weights, TensorKind kind, std::uint32_t layer = 0);

/// The same within a layer.
const tensor::Weight& tensor_at(const LayerWeights& layer, TensorKind kind);

/// Views the flat array, whose length must be layout.size(); it must outlive the result.
Weights view_weights(const ParameterLayout& layout, std::span<const float> flat);

/// A loaded model.
struct Model {
    ModelConfig config;
    Weights weights;                      ///< into `storage`
    std::shared_ptr<const void> storage;  ///< keeps the weights' memory alive
    Bytes tokenizer;            ///< canonical tokenizer bytes (text/tokenizer.h); may be empty
    std::string chat_template;  ///< as the file has it; may be empty

    ParameterLayout layout() const { return ParameterLayout(config); }
    /// Whether every tensor is plain fp32, so that training can go on from it exactly.
    bool is_dense() const;
};

/// A model of plain floats in the dense layout.
Model make_model(const ModelConfig& config, std::vector<float> parameters, Bytes tokenizer = {});
/// All parameters in the dense layout, widened to fp32: a copy. The model must hold every tensor.
std::vector<float> dense_parameters(const Model& model);

/// The same model with matrices packed for fast products, in memory of its own; the old storage may
/// be freed.
Model pack_model(const tensor::Compute& compute, const Model& model);

/// The memory that pack_model() takes for it.
std::uint64_t packed_model_bytes(const Model& model);

/// Fresh weights for training on one machine: matrices normal with deviation 0.02 (those that write
/// to the residual stream smaller by sqrt(2 * layers)), norms 1, biases 0; a function of the seed
/// alone. The chain's first state is made by worth/, in integers.
std::vector<float> initial_parameters(const ParameterLayout& layout, std::uint64_t seed);

/// N10: the name and index of the first NaN or infinity, or ok.
Status check_finite(const ParameterLayout& layout, std::span<const float> flat);

}  // namespace cairn::model
