// CONSENSUS: changing a result here splits the network.
#include "model/layer.h"

#include <algorithm>

#include "model/rope_scale.h"
#include "tensor/bias.h"
#include "tensor/elementwise.h"
#include "tensor/gelu.h"
#include "tensor/norm.h"
#include "tensor/swiglu.h"

namespace cairn::model {

using tensor::ConstMatrix;
using tensor::Matrix;

namespace {

// Buffers that share memory need no copy.
void keep(ConstMatrix from, Matrix to) {
    if (to.data != from.data) std::copy_n(from.data, from.rows * from.cols, to.data);
}

void add(const LayerGraph& g, ConstMatrix a, ConstMatrix b, Matrix sum) {
    tensor::add(g.compute, a.rows * a.cols, a.data, b.data, sum.data);
}

void norm_heads(const LayerGraph& g, Matrix raw, const tensor::Weight& gamma, Matrix out,
                NormStats stats) {
    const std::size_t d = g.config.head_dim();
    tensor::rmsnorm_forward(g.compute, heads_as_rows(raw, d), floats(gamma), g.config.norm_eps,
                            heads_as_rows(out, d), stats.rstd);
}

struct Linear {
    Projection projection;
    const tensor::Weight& bias;
    Matrix y;
};

// Products that share x, as one piece of work.
void multiply(const LayerGraph& g, ConstMatrix x, std::span<const tensor::Product> products) {
    if (products.empty()) return;
    if (g.products != nullptr)
        g.products->multiply(x, products);
    else
        tensor::matmul_nt(g.compute, x, products);
}

// All y = x * w^T as one piece of work, then one add of the bias where there is one. Of a matrix in
// factors the right one's product is a part of that piece; the left one's follows.
template <std::size_t kCount>
void linears_forward(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b,
                     ConstMatrix x, const Linear (&all)[kCount]) {
    tensor::Product products[kCount];
    std::size_t count = 0;
    for (const Linear& linear : all) {
        const tensor::Weight& right = tensor_at(w, right_factor_of(linear.projection));
        if (right.empty())
            products[count++] = {tensor_at(w, matrix_of(linear.projection)), linear.y};
        else if (g.config.blocks(linear.projection).right == 1)
            products[count++] = {right, b.inner[static_cast<std::size_t>(linear.projection)]};
    }
    multiply(g, x, std::span(products, count));
    for (const Linear& linear : all) {
        const tensor::Weight& right = tensor_at(w, right_factor_of(linear.projection));
        if (right.empty()) continue;
        CHECK(g.products == nullptr);  // an audit refuses factors (audit/evidence.h)
        const FactorBlocks blocks = g.config.blocks(linear.projection);
        const Matrix inner = b.inner[static_cast<std::size_t>(linear.projection)];
        if (blocks.right > 1) tensor::matmul_nt_blocks(g.compute, x, right, blocks.right, inner);
        tensor::matmul_nt_blocks(g.compute, inner, tensor_at(w, matrix_of(linear.projection)),
                                 blocks.left, linear.y);
    }
    for (const Linear& linear : all)
        if (!linear.bias.empty()) tensor::add_bias(g.compute, floats(linear.bias), linear.y);
}

// Where a branch's result goes: to its norm, if one stands behind it.
Matrix result_of(const LayerGraph& g, Matrix post_input, Matrix branch) {
    return g.config.norm_position == NormPosition::kBoth ? post_input : branch;
}

bool is_norm_before(const LayerGraph& g) { return g.config.norm_position != NormPosition::kPost; }

// Self-attention's result in the residual stream: to_norm_input before the norm of the branch that
// follows, or, where norms stand behind, to_input.
void join_attention(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b,
                    Matrix to_norm_input, Matrix to_input) {
    const Matrix result = result_of(g, b.attn_post_input, b.branch);
    linears_forward(g, w, b, b.attn_output, {{Projection::kOutput, w.bo, result}});
    if (g.config.norm_position == NormPosition::kBoth)
        norm_forward(g, result, w.attn_post_norm, {}, b.branch, b.attn_post_stats);
    if (is_norm_before(g)) return add(g, b.attn_norm_input, b.branch, to_norm_input);
    add(g, b.attn_input, b.branch, b.attn_norm_input);
    norm_forward(g, b.attn_norm_input, w.attn_norm, w.attn_norm_bias, to_input, b.attn_stats);
}

void norm_before_feed_forward(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b) {
    if (is_norm_before(g))
        norm_forward(g, b.ffn_norm_input, w.ffn_norm, w.ffn_norm_bias, b.ffn_input, b.ffn_stats);
}

// The feed-forward, and its result in the residual stream.
void second_branch(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b, Matrix x) {
    norm_before_feed_forward(g, w, b);
    feed_forward_columns(g, w, b);
    after_feed_forward(g, w, b, x);
}

struct CrossLinear {
    const tensor::Weight& weight;
    const tensor::Weight& bias;
    Matrix y;
};

// As linears_forward, of the matrices of cross attention, which are whole.
template <std::size_t kCount>
void cross_linears(const LayerGraph& g, ConstMatrix x, const CrossLinear (&all)[kCount]) {
    tensor::Product products[kCount];
    for (std::size_t i = 0; i < kCount; ++i) products[i] = {all[i].weight, all[i].y};
    multiply(g, x, products);
    for (const CrossLinear& linear : all)
        if (!linear.bias.empty()) tensor::add_bias(g.compute, floats(linear.bias), linear.y);
}

}  // namespace

void norm_forward(const LayerGraph& g, ConstMatrix x, const tensor::Weight& gamma,
                  const tensor::Weight& beta, Matrix y, NormStats stats) {
    if (g.config.norm == NormKind::kRms)
        tensor::rmsnorm_forward(g.compute, x, floats(gamma), g.config.norm_eps, y, stats.rstd);
    else
        tensor::layernorm_forward(g.compute, x, floats(gamma), floats(beta), g.config.norm_eps, y,
                                  stats.mean, stats.rstd);
}

void attention_input(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b, Matrix x) {
    if (is_norm_before(g)) {
        keep(x, b.attn_norm_input);
        norm_forward(g, b.attn_norm_input, w.attn_norm, w.attn_norm_bias, b.attn_input,
                     b.attn_stats);
    } else {
        keep(x, b.attn_input);
    }
}

void queries_keys_values(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b) {
    linears_forward(g, w, b, b.attn_input,
                    {{Projection::kQuery, w.bq, b.query_raw},
                     {Projection::kKey, w.bk, b.key_raw},
                     {Projection::kValue, w.bv, b.value}});
    if (g.config.qk_norm) {
        norm_heads(g, b.query_raw, w.q_norm, b.query, b.query_stats);
        norm_heads(g, b.key_raw, w.k_norm, b.key, b.key_stats);
    }
}

void before_attention(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b, Matrix x) {
    attention_input(g, w, b, x);
    queries_keys_values(g, w, b);
}

void before_feed_forward(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b) {
    join_attention(g, w, b, b.ffn_norm_input, b.ffn_input);
    norm_before_feed_forward(g, w, b);
}

void feed_forward_columns(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b) {
    const std::size_t count = b.up.rows * b.up.cols;
    if (g.config.is_gated())
        linears_forward(g, w, b, b.ffn_input,
                        {{Projection::kGate, w.b_gate, b.gate}, {Projection::kUp, w.b_up, b.up}});
    else
        linears_forward(g, w, b, b.ffn_input, {{Projection::kUp, w.b_up, b.up}});
    switch (g.config.feed_forward) {
        case FeedForward::kSwiglu:
            tensor::swiglu_forward(g.compute, count, b.gate.data, b.up.data, b.activated.data);
            break;
        case FeedForward::kGeglu:
            tensor::geglu_forward(g.compute, count, b.gate.data, b.up.data, b.activated.data);
            break;
        case FeedForward::kGelu:
            tensor::gelu_forward(g.compute, tensor::GeluForm::kErf, count, b.up.data,
                                 b.activated.data);
            break;
        case FeedForward::kGeluTanh:
            tensor::gelu_forward(g.compute, tensor::GeluForm::kTanh, count, b.up.data,
                                 b.activated.data);
            break;
        case FeedForward::kRelu:
            tensor::relu_forward(g.compute, count, b.up.data, b.activated.data);
            break;
    }
}

void after_feed_forward(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b,
                        Matrix x) {
    const Matrix result = result_of(g, b.ffn_post_input, b.branch);
    linears_forward(g, w, b, b.activated, {{Projection::kDown, w.b_down, result}});
    if (g.config.norm_position == NormPosition::kBoth)
        norm_forward(g, result, w.ffn_post_norm, {}, b.branch, b.ffn_post_stats);
    if (is_norm_before(g)) return add(g, b.ffn_norm_input, b.branch, x);
    add(g, b.ffn_input, b.branch, b.ffn_norm_input);
    norm_forward(g, b.ffn_norm_input, w.ffn_norm, w.ffn_norm_bias, x, b.ffn_stats);
}

void after_attention(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b, Matrix x) {
    join_attention(g, w, b, b.ffn_norm_input, b.ffn_input);
    second_branch(g, w, b, x);
}

void before_cross_attention(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b) {
    join_attention(g, w, b, b.cross_norm_input, b.cross_input);
    if (is_norm_before(g))
        norm_forward(g, b.cross_norm_input, w.cross_norm, w.cross_norm_bias, b.cross_input,
                     b.cross_stats);
    cross_linears(g, b.cross_input, {{w.cross_wq, w.cross_bq, b.cross_query}});
}

void after_cross_attention(const LayerGraph& g, const LayerWeights& w, const LayerBuffers& b,
                           Matrix x) {
    cross_linears(g, b.cross_output, {{w.cross_wo, w.cross_bo, b.branch}});
    if (is_norm_before(g)) {
        add(g, b.cross_norm_input, b.branch, b.ffn_norm_input);
    } else {
        add(g, b.cross_input, b.branch, b.cross_norm_input);
        norm_forward(g, b.cross_norm_input, w.cross_norm, w.cross_norm_bias, b.ffn_input,
                     b.cross_stats);
    }
    second_branch(g, w, b, x);
}

void cross_keys_values(const LayerGraph& g, const LayerWeights& w, ConstMatrix states, Matrix keys,
                       Matrix values) {
    cross_linears(g, states, {{w.cross_wk, w.cross_bk, keys}, {w.cross_wv, w.cross_bv, values}});
}

tensor::RopePairing rope_pairing(const ModelConfig& config) {
    return config.rope_interleaved ? tensor::RopePairing::kInterleaved
                                   : tensor::RopePairing::kHalves;
}

RopeTables rope_tables(const ModelConfig& config, std::size_t positions) {
    RopeTables tables;
    if (config.positions != PositionKind::kRotary) return tables;
    if (config.window != 0)
        tables.local = tensor::make_rope_table(
            config.head_dim(), static_cast<double>(config.local_rope_theta), positions);
    const auto theta = static_cast<double>(config.rope_theta);
    if (config.rope_scale.kind == RopeScalingKind::kNone) {
        tables.global = tensor::make_rope_table(config.head_dim(), theta, positions);
        return tables;
    }
    const tensor::RopeScaling scaling = formula_of(config.rope_scale);
    tables.global =
        tensor::make_rope_table(tensor::scaled_rope_frequencies(config.head_dim(), theta, scaling),
                                positions, tensor::rope_attention_factor(scaling));
    return tables;
}

void rotate(const LayerGraph& g, const tensor::RopeTable& table, tensor::RopeRows rows,
            Matrix query, Matrix key) {
    if (g.config.positions != PositionKind::kRotary) return;
    const tensor::RopePairing pairing = rope_pairing(g.config);
    tensor::rope_forward(g.compute, table, pairing, rows, query);
    tensor::rope_forward(g.compute, table, pairing, rows, key);
}

tensor::AttentionShape attention_shape(const ModelConfig& config, std::uint32_t layer,
                                       std::size_t sequences, std::size_t queries,
                                       std::size_t first_position) {
    return {.sequences = sequences,
            .queries = queries,
            .first_position = first_position,
            .heads = config.heads,
            .kv_heads = config.kv_heads,
            .head_dim = config.head_dim(),
            .causal = config.causal,
            .window = config.is_local(layer) ? config.window : 0};
}

tensor::AttentionShape cross_attention_shape(const ModelConfig& config, std::size_t queries,
                                             std::size_t source) {
    return {.queries = queries,
            .heads = config.heads,
            .kv_heads = config.kv_heads,
            .head_dim = config.head_dim(),
            .causal = false,
            .source_keys = source};
}

}  // namespace cairn::model
