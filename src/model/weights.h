// Weights: where each tensor of a model lies in memory. Usually every span points into one flat
// array (a checkpoint, the chain's state, a trainer's parameters); a Server that holds some layers
// leaves the others empty.
#pragma once

#include <span>
#include <vector>

#include "model/layout.h"

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

struct LayerWeights {
    std::span<const float> attn_norm;  ///< [dim]
    std::span<const float> wq;         ///< [dim, dim]
    std::span<const float> wk;         ///< [kv_dim, dim]
    std::span<const float> wv;         ///< [kv_dim, dim]
    std::span<const float> wo;         ///< [dim, dim]
    std::span<const float> ffn_norm;   ///< [dim]
    std::span<const float> w_gate;     ///< [hidden_dim, dim]
    std::span<const float> w_up;       ///< [hidden_dim, dim]
    std::span<const float> w_down;     ///< [dim, hidden_dim]
};

struct Weights {
    std::span<const float> token_embedding;  ///< [vocab, dim]
    std::vector<LayerWeights> layers;        ///< config.layers of them
    std::span<const float> final_norm;       ///< [dim]
    std::span<const float> head;             ///< [vocab, dim]; the embedding when tied
};

/// Views the flat array, whose length must be layout.size(); it must outlive the result.
Weights view_weights(const ParameterLayout& layout, std::span<const float> flat);

/// A loaded model: shape, where its tensors are, and the numbers.
struct Model {
    ModelConfig config;
    std::vector<float> parameters;  ///< dense layout
    Bytes tokenizer;                ///< canonical tokenizer bytes (model/tokenizer.h); may be empty

    ParameterLayout layout() const { return ParameterLayout(config); }
};

/// Fresh weights for training on one machine: matrices normal with deviation 0.02 (those that write
/// to the residual stream smaller by sqrt(2 * layers)), norms 1; a function of the seed alone. The
/// chain's first state is made by worth/, in integers.
std::vector<float> initial_parameters(const ParameterLayout& layout, std::uint64_t seed);

/// Rule 10: the name and index of the first NaN or infinity, or ok.
Status check_finite(const ParameterLayout& layout, std::span<const float> flat);

}  // namespace cairn::model
