// Memory for the steps of layers whose backward pass nobody runs, and which steps share it: what
// inference of a whole model (transformer.h), of some of its heads (share_layers.h,
// joined_layers.h) and an audit of it (audit/head_walk.h) have in common. Training keeps every step
// instead (layer_pass.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/layer.h"

namespace cairn::model {

/// Which steps of a layer are computed here (layer_share.h says why not all).
enum class LayerSteps {
    kAll,
    kShare,  ///< queries, keys, values and the feed-forward's columns
    kJoin,   ///< norms, the residual stream, the products with wo and w_down
};

/// Allocated once, for rows of one layer after another; what the steps do not need is empty.
struct LayerWorkspace {
    LayerWorkspace() = default;
    LayerWorkspace(const ModelConfig& config, std::size_t rows, LayerSteps steps);

    /// The steps of `layer` for the rows x[n, dim], n <= rows. Where only a share of a layer is
    /// computed, x is what enters that share, and both branches' inputs are x.
    LayerBuffers buffers(const ModelConfig& config, std::uint32_t layer, tensor::Matrix x);

    LayerSteps steps = LayerSteps::kAll;
    std::vector<float> normed;       ///< [rows, dim]
    std::vector<float> query;        ///< [rows, q_dim]
    std::vector<float> key, value;   ///< [rows, kv_dim]
    std::vector<float> attn_output;  ///< [rows, q_dim]
    std::vector<float> gate;         ///< [rows, hidden_dim] with a gate
    std::vector<float> up;           ///< [rows, hidden_dim] what is activated, where there is none
    std::array<std::vector<float>, kProjections> inner;  ///< [rows, widest inner width]
};

}  // namespace cairn::model
