// What a transformer layer is, once for inference and training: the forward pass of one layer of
// any family that ModelConfig describes, over memory that the caller lays out. Training gives every
// step a buffer of its own and keeps them for the backward pass (layer_pass.h); inference lets
// steps share a few (layer_workspace.h). Attention is left to the caller, between the two halves,
// as the caller knows where a query finds its keys: in caches, or in the same batch.
//
//   before_attention(g, w, b, x);      // q, k, v
//   ... rotate and attend: b.query, b.key, b.value -> b.attn_output ...
//   after_attention(g, w, b, x);       // x = the layer's output
//
// With cross attention the second half falls in two, between which another text is attended to:
//
//   before_cross_attention(g, w, b);   // b.cross_query
//   ... attend, not rotated, to what cross_keys_values() made of the other text's states:
//       b.cross_query -> b.cross_output ...
//   after_cross_attention(g, w, b, x);
#pragma once

#include <array>
#include <span>

#include "model/weights.h"
#include "tensor/attention.h"
#include "tensor/compute.h"
#include "tensor/matrix.h"
#include "tensor/rope.h"
#include "tensor/weight.h"

namespace cairn::model {

/// Who makes the products of a pass instead of tensor::matmul_nt: an audit that takes them from
/// somebody else and checks them, or that keeps more of them than their result.
class Products {
  public:
    virtual ~Products() = default;
    /// y = x * w^T for each, before any bias.
    virtual void multiply(tensor::ConstMatrix x, std::span<const tensor::Product> products) = 0;
};

/// What every layer of a model shares.
struct LayerGraph {
    const ModelConfig& config;
    const tensor::Compute& compute;
    Products* products = nullptr;  ///< null: the products are computed
};

/// What a norm's backward pass needs, [rows]; null where it is not needed. RMSNorm has no mean.
struct NormStats {
    float* mean = nullptr;
    float* rstd = nullptr;
};

/// The steps of one layer for n tokens, as views. With the norm before a branch
///   n1 = norm(x), x' = x + attention(n1), n2 = norm(x'), y = x' + feed_forward(n2)
///   attn_input = n1, attn_norm_input = x, ffn_input = n2, ffn_norm_input = x';
/// with the norm after it
///   x' = norm(x + attention(x)), y = norm(x' + feed_forward(x'))
///   attn_input = x, attn_norm_input = x + attention(x), ffn_input = x', ffn_norm_input = x' + ...
/// With norms before and behind it the first form, f(n) being norm2(f(n)) of attn_post_input and
/// ffn_post_input.
/// Cross attention is a branch like these between the two: cross_input and cross_norm_input are to
/// it what ffn_input and ffn_norm_input are to the feed-forward.
/// What may share memory: a norm's input and output, the residual streams with x itself, raw and
/// normed heads, activated with gate or up, branch with attn_input where a norm stands before and
/// with attn_post_input and ffn_post_input, what is named for cross attention with its like of
/// self-attention.
struct LayerBuffers {
    tensor::Matrix attn_norm_input;   ///< [n, dim]
    tensor::Matrix attn_input;        ///< [n, dim]
    tensor::Matrix query_raw;         ///< [n, q_dim] before the norm of heads; if none, as query
    tensor::Matrix key_raw;           ///< [n, kv_dim]
    tensor::Matrix query;             ///< [n, q_dim] the caller rotates it in place
    tensor::Matrix key;               ///< [n, kv_dim]
    tensor::Matrix value;             ///< [n, kv_dim]
    tensor::Matrix attn_output;       ///< [n, q_dim] attention's output before wo
    tensor::Matrix attn_post_input;   ///< [n, dim] with a norm behind branches only
    tensor::Matrix branch;            ///< [n, dim] what joins the residual stream
    tensor::Matrix cross_norm_input;  ///< [n, dim] with cross attention only, and the next three
    tensor::Matrix cross_input;       ///< [n, dim]
    tensor::Matrix cross_query;       ///< [n, q_dim]
    tensor::Matrix cross_output;      ///< [n, q_dim] attention's output before cross_wo
    tensor::Matrix ffn_norm_input;    ///< [n, dim]
    tensor::Matrix ffn_input;         ///< [n, dim]
    tensor::Matrix gate;              ///< [n, hidden_dim] with a gate only
    tensor::Matrix up;                ///< [n, hidden_dim]
    tensor::Matrix activated;         ///< [n, hidden_dim]
    tensor::Matrix ffn_post_input;    ///< [n, dim] with a norm behind branches only
    NormStats attn_stats, cross_stats, ffn_stats;
    NormStats query_stats, key_stats;  ///< [n * heads], [n * kv_heads]
    NormStats attn_post_stats, ffn_post_stats;
    /// [n, inner width] between a projection's factors, in the order of Projection; empty where the
    /// matrix is whole. They may share memory.
    std::array<tensor::Matrix, kProjections> inner;
};

/// The first half: b.query, b.key and b.value from x, not rotated yet.
void before_attention(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b,
                      tensor::Matrix x);
/// The second half: x = the layer's output from b.attn_output and what the first half left.
void after_attention(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b,
                     tensor::Matrix x);

/// The same in smaller steps, for whoever has queries, keys, values and the feed-forward's columns
/// computed elsewhere (joined_layers.h). The first half is attention_input() and then
/// queries_keys_values(); the second is before_feed_forward(), feed_forward_columns() and
/// after_feed_forward().
///
/// b.attn_input from x.
void attention_input(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b,
                     tensor::Matrix x);
/// b.query, b.key and b.value from b.attn_input, not rotated yet.
void queries_keys_values(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b);
/// b.ffn_input from b.attn_output and what attention_input() left.
void before_feed_forward(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b);
/// b.activated from b.ffn_input.
void feed_forward_columns(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b);
/// x = the layer's output from b.activated and what before_feed_forward() left.
void after_feed_forward(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b,
                        tensor::Matrix x);

/// Of a layer with cross attention, instead of after_attention(): b.cross_query, and then, from
/// b.cross_output, x = the layer's output.
void before_cross_attention(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b);
void after_cross_attention(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b,
                           tensor::Matrix x);
/// keys, values [n, kv_dim] that a layer's cross attention sees of another text's states [n, dim].
void cross_keys_values(const LayerGraph& g, const LayerWeights& w, tensor::ConstMatrix states,
                       tensor::Matrix keys, tensor::Matrix values);

/// y = norm(x) of the model's kind; y may be x. `beta` is empty for RMSNorm.
void norm_forward(const LayerGraph& g, tensor::ConstMatrix x, const tensor::Weight& gamma,
                  const tensor::Weight& beta, tensor::Matrix y, NormStats stats = {});

/// [rows, heads * d] as [rows * heads, d]: the heads as rows.
inline tensor::Matrix heads_as_rows(tensor::Matrix x, std::size_t d) {
    CHECK(x.stride == x.cols && x.cols % d == 0);
    return {x.data, x.rows * (x.cols / d), d};
}

tensor::RopePairing rope_pairing(const ModelConfig& config);

/// The rotations of local layers and of the others; empty where there are none.
struct RopeTables {
    tensor::RopeTable global, local;

    const tensor::RopeTable& of(const ModelConfig& config, std::uint32_t layer) const {
        return config.is_local(layer) ? local : global;
    }
};
/// Of the first `positions` positions.
RopeTables rope_tables(const ModelConfig& config, std::size_t positions);
/// Rotates queries and keys where the model has rotary positions.
void rotate(const LayerGraph& g, const tensor::RopeTable& table, tensor::RopeRows rows,
            tensor::Matrix query, tensor::Matrix key);

/// What a layer sees of `sequences` whole or partial sequences of `queries` tokens, the first at
/// `first_position`.
tensor::AttentionShape attention_shape(const ModelConfig& config, std::uint32_t layer,
                                       std::size_t sequences, std::size_t queries,
                                       std::size_t first_position = 0);
/// What the cross attention of `queries` tokens of one text sees of another one of `source` tokens.
tensor::AttentionShape cross_attention_shape(const ModelConfig& config, std::size_t queries,
                                             std::size_t source);

}  // namespace cairn::model
