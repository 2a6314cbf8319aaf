// Training through one transformer layer over whole sequences: forward with everything kept that
// the backward pass reads, and backward. LeafPass strings layers together; training through other
// people's layers will call these directly. What a layer is stands in layer.h; layer_backward
// mirrors it.
#pragma once

#include <array>
#include <vector>

#include "model/layer.h"

namespace cairn::model {

/// What one layer computed for n tokens, and with cross attention m of the texts that they see.
/// Allocated once, used for every microbatch. What a family does not have is empty. Names are those
/// of LayerBuffers.
struct LayerActivations {
    LayerActivations(const ModelConfig& config, std::size_t tokens, std::size_t source_tokens = 0);

    std::vector<float> attn_norm_input;         ///< [n, dim]
    std::vector<float> attn_input;              ///< [n, dim]
    std::vector<float> attn_mean, attn_rstd;    ///< [n]
    std::vector<float> query_raw, key_raw;      ///< [n, q_dim], [n, kv_dim] with a norm of heads
    std::vector<float> query_rstd, key_rstd;    ///< [n, heads], [n, kv_heads]
    std::vector<float> query;                   ///< [n, q_dim] rotated
    std::vector<float> key;                     ///< [n, kv_dim] rotated
    std::vector<float> value;                   ///< [n, kv_dim]
    std::vector<float> attn_output;             ///< [n, q_dim] attention's output before wo
    std::vector<float> softmax_max;             ///< [n, heads]
    std::vector<float> softmax_sum;             ///< [n, heads]
    std::vector<float> cross_norm_input;        ///< [n, dim]
    std::vector<float> cross_input;             ///< [n, dim]
    std::vector<float> cross_mean, cross_rstd;  ///< [n]
    std::vector<float> cross_query;             ///< [n, q_dim]
    std::vector<float> cross_key, cross_value;  ///< [m, kv_dim]
    std::vector<float> cross_output;            ///< [n, q_dim] before cross_wo
    std::vector<float> cross_softmax_max, cross_softmax_sum;  ///< [n, heads]
    std::vector<float> ffn_norm_input;                        ///< [n, dim]
    std::vector<float> ffn_input;                             ///< [n, dim]
    std::vector<float> ffn_mean, ffn_rstd;                    ///< [n]
    std::vector<float> attn_post_input, ffn_post_input;       ///< [n, dim] with a norm behind
    std::vector<float> attn_post_rstd, ffn_post_rstd;         ///< [n]
    std::vector<float> gate;                                  ///< [n, hidden_dim] with a gate
    std::vector<float> up;                                    ///< [n, hidden_dim]
    std::vector<float> activated;                             ///< [n, hidden_dim]
    std::array<std::vector<float>, kProjections> inner;       ///< [n, widest inner width]
};

/// Memory that the passes need once for all layers; w is the larger of n and m.
struct LayerScratch {
    LayerScratch(const ModelConfig& config, std::size_t tokens, bool with_gradient,
                 std::size_t source_tokens = 0);

    std::vector<float> branch;        ///< [w, dim]
    std::vector<float> branch2;       ///< [w, dim]
    std::vector<float> dquery;        ///< [n, q_dim]
    std::vector<float> dattn_output;  ///< [n, q_dim]
    std::vector<float> dkey;          ///< [w, kv_dim]
    std::vector<float> dvalue;        ///< [w, kv_dim]
    std::vector<float> dgate;         ///< [n, hidden_dim] with a gate
    std::vector<float> dup;           ///< [n, hidden_dim]
    std::vector<float> dinner;        ///< [n, widest inner width of all]
};

/// Where one layer's gradients lie; they are added to, chunk by chunk of tokens.
class LayerGradients {
  public:
    LayerGradients(const ParameterLayout& layout, std::uint32_t layer, std::span<float> flat)
        : layout_(layout), layer_(layer), flat_(flat) {}

    /// A norm's or bias's; null where the model has none.
    float* row(TensorKind kind) const { return layout_.slice_if(flat_, kind, layer_).data(); }
    /// [out, in].
    tensor::Matrix matrix(TensorKind kind) const {
        const TensorInfo& info = layout_.at(kind, layer_);
        return {layout_.slice(flat_, kind, layer_).data(), info.rows, info.cols};
    }

  private:
    const ParameterLayout& layout_;
    std::uint32_t layer_;
    std::span<float> flat_;
};

/// What the texts of a pass see by cross attention: text i the i-th of these texts.
struct SourceTexts {
    std::span<const std::size_t> lengths;  ///< rows of each, one behind the other
    tensor::ConstMatrix states;            ///< [m, dim] an encoder's output
    tensor::Matrix dstates{};  ///< [m, dim] backward adds the gradient of `states` to it
};

/// What every layer of a pass shares.
struct LayerContext {
    const ModelConfig& config;
    const tensor::Compute& compute;
    const RopeTables& ropes;
    std::size_t sequence;     ///< T: rows come in whole sequences of this length
    std::uint32_t layer = 0;  ///< which one of the model
    /// Instead of `sequence`, where the texts have lengths of their own.
    std::span<const std::size_t> lengths{};
    const SourceTexts* source = nullptr;  ///< with cross attention, and then `lengths` are given
};

/// x[n, dim] through the layer, in place; `kept` receives what the backward pass reads.
void layer_forward(const LayerContext& context, const LayerWeights& weights, LayerActivations& kept,
                   LayerScratch& scratch, tensor::Matrix x);

/// dx[n, dim]: on entry the gradient of the layer's output, on return of its input. Weights are
/// dense fp32.
void layer_backward(const LayerContext& context, const LayerWeights& weights,
                    LayerActivations& kept, LayerScratch& scratch, const LayerGradients& gradients,
                    tensor::Matrix dx);

/// dx from dy, which may be the same memory; dgamma and dbeta are added to.
void norm_backward(const LayerGraph& g, tensor::ConstMatrix dy, tensor::ConstMatrix x,
                   const tensor::Weight& gamma, NormStats stats, tensor::Matrix dx, float* dgamma,
                   float* dbeta);

}  // namespace cairn::model
