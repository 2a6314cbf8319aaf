// One transformer layer over whole sequences, forward with everything kept that the backward pass
// reads, and backward. `_forward` and `_backward` mirror each other line by line. LeafPass strings
// layers together; training through other people's layers will call these directly.
//
// CONSENSUS: changing a result here splits the network.
#pragma once

#include <vector>

#include "model/weights.h"
#include "tensor/attention.h"
#include "tensor/compute.h"
#include "tensor/matrix.h"
#include "tensor/rope.h"

namespace cairn::model {

/// What one layer computed for n tokens. Taken once, used for every microbatch.
struct LayerActivations {
    LayerActivations(const ModelConfig& config, std::size_t tokens);

    std::vector<float> input;        ///< [n, dim] the residual stream before the layer
    std::vector<float> attn_normed;  ///< [n, dim]
    std::vector<float> attn_rstd;    ///< [n]
    std::vector<float> query;        ///< [n, dim] rotated
    std::vector<float> key;          ///< [n, kv_dim] rotated
    std::vector<float> value;        ///< [n, kv_dim]
    std::vector<float> mixed;        ///< [n, dim] attention's output before wo
    std::vector<float> softmax_max;  ///< [n, heads]
    std::vector<float> softmax_sum;  ///< [n, heads]
    std::vector<float> middle;       ///< [n, dim] the residual stream between the two blocks
    std::vector<float> ffn_normed;   ///< [n, dim]
    std::vector<float> ffn_rstd;     ///< [n]
    std::vector<float> gate;         ///< [n, hidden_dim]
    std::vector<float> up;           ///< [n, hidden_dim]
    std::vector<float> activated;    ///< [n, hidden_dim] silu(gate) .* up
};

/// Memory that the backward pass needs once for all layers.
struct LayerScratch {
    LayerScratch(const ModelConfig& config, std::size_t tokens, bool with_gradient);

    std::vector<float> branch;   ///< [n, dim]
    std::vector<float> branch2;  ///< [n, dim]
    std::vector<float> dquery;   ///< [n, dim]
    std::vector<float> dkey;     ///< [n, kv_dim]
    std::vector<float> dvalue;   ///< [n, kv_dim]
    std::vector<float> dgate;    ///< [n, hidden_dim]
    std::vector<float> dup;      ///< [n, hidden_dim]
};

/// Gradients of one layer's tensors, shapes as LayerWeights; added to, chunk by chunk of tokens.
struct LayerGradients {
    std::span<float> attn_norm, wq, wk, wv, wo, ffn_norm, w_gate, w_up, w_down;
};

LayerGradients view_layer_gradients(const ParameterLayout& layout, std::uint32_t layer,
                                    std::span<float> flat);

/// What every layer of a pass shares.
struct LayerContext {
    const ModelConfig& config;
    const tensor::Compute& compute;
    const tensor::RopeTable& rope;
    std::size_t sequence;  ///< T: rows come in whole sequences of this length
};

/// x[n, dim] through the layer, in place; `kept` remembers.
void layer_forward(const LayerContext& context, const LayerWeights& weights, LayerActivations& kept,
                   LayerScratch& scratch, tensor::Matrix x);

/// dx[n, dim]: on entry the gradient of the layer's output, on return of its input.
void layer_backward(const LayerContext& context, const LayerWeights& weights,
                    LayerActivations& kept, LayerScratch& scratch, LayerGradients& gradients,
                    tensor::Matrix dx);

}  // namespace cairn::model
