// CONSENSUS: changing a result here splits the network.
#include "model/layer_pass.h"

#include <algorithm>

#include "tensor/elementwise.h"
#include "tensor/matmul.h"
#include "tensor/norm.h"
#include "tensor/swiglu.h"

namespace cairn::model {

using tensor::ConstMatrix;
using tensor::Matrix;

LayerActivations::LayerActivations(const ModelConfig& config, std::size_t n)
    : input(n * config.dim),
      attn_normed(n * config.dim),
      attn_rstd(n),
      query(n * config.dim),
      key(n * config.kv_dim()),
      value(n * config.kv_dim()),
      mixed(n * config.dim),
      softmax_max(n * config.heads),
      softmax_sum(n * config.heads),
      middle(n * config.dim),
      ffn_normed(n * config.dim),
      ffn_rstd(n),
      gate(n * config.hidden_dim),
      up(n * config.hidden_dim),
      activated(n * config.hidden_dim) {}

LayerScratch::LayerScratch(const ModelConfig& config, std::size_t n, bool with_gradient)
    : branch(n * config.dim) {
    if (!with_gradient) return;
    branch2.resize(n * config.dim);
    dquery.resize(n * config.dim);
    dkey.resize(n * config.kv_dim());
    dvalue.resize(n * config.kv_dim());
    dgate.resize(n * config.hidden_dim);
    dup.resize(n * config.hidden_dim);
}

LayerGradients view_layer_gradients(const ParameterLayout& layout, std::uint32_t layer,
                                    std::span<float> flat) {
    const auto slice = [&](TensorKind kind) { return layout.slice(flat, kind, layer); };
    return {slice(TensorKind::kAttnNorm), slice(TensorKind::kWq),  slice(TensorKind::kWk),
            slice(TensorKind::kWv),       slice(TensorKind::kWo),  slice(TensorKind::kFfnNorm),
            slice(TensorKind::kWGate),    slice(TensorKind::kWUp), slice(TensorKind::kWDown)};
}

namespace {

// The buffers as matrices of the rows in use.
struct Views {
    Views(const ModelConfig& c, LayerActivations& kept, std::size_t rows)
        : input(kept.input.data(), rows, c.dim),
          attn_normed(kept.attn_normed.data(), rows, c.dim),
          query(kept.query.data(), rows, c.dim),
          key(kept.key.data(), rows, c.kv_dim()),
          value(kept.value.data(), rows, c.kv_dim()),
          mixed(kept.mixed.data(), rows, c.dim),
          middle(kept.middle.data(), rows, c.dim),
          ffn_normed(kept.ffn_normed.data(), rows, c.dim),
          gate(kept.gate.data(), rows, c.hidden_dim),
          up(kept.up.data(), rows, c.hidden_dim),
          activated(kept.activated.data(), rows, c.hidden_dim),
          stats{kept.softmax_max.data(), kept.softmax_sum.data()} {}

    Matrix input, attn_normed, query, key, value, mixed, middle, ffn_normed, gate, up, activated;
    tensor::AttentionStats stats;
};

// A weight's gradient, [out, in].
Matrix gradient(std::span<float> values, std::size_t out) {
    return {values.data(), out, values.size() / out};
}

tensor::AttentionShape attention_shape(const LayerContext& context, std::size_t rows) {
    return {.sequences = rows / context.sequence,
            .queries = context.sequence,
            .first_position = 0,
            .heads = context.config.heads,
            .kv_heads = context.config.kv_heads,
            .head_dim = context.config.head_dim()};
}

tensor::RopePairing pairing(const ModelConfig& config) {
    return config.rope_interleaved ? tensor::RopePairing::kInterleaved
                                   : tensor::RopePairing::kHalves;
}

}  // namespace

void layer_forward(const LayerContext& context, const LayerWeights& w, LayerActivations& kept,
                   LayerScratch& scratch, Matrix x) {
    const ModelConfig& c = context.config;
    const tensor::Compute& compute = context.compute;
    const std::size_t rows = x.rows;
    CHECK(rows % context.sequence == 0 && kept.input.size() >= rows * c.dim);
    const Views v(c, kept, rows);
    const Matrix branch(scratch.branch.data(), rows, c.dim);
    const tensor::RopeRows positions{.tokens = context.sequence};

    std::copy_n(x.data, rows * c.dim, v.input.data);
    tensor::rmsnorm_forward(compute, x, floats(w.attn_norm), c.norm_eps, v.attn_normed,
                            kept.attn_rstd.data());
    tensor::matmul_nt(compute, v.attn_normed, w.wq, v.query);
    tensor::matmul_nt(compute, v.attn_normed, w.wk, v.key);
    tensor::matmul_nt(compute, v.attn_normed, w.wv, v.value);
    tensor::rope_forward(compute, context.rope, pairing(c), positions, v.query);
    tensor::rope_forward(compute, context.rope, pairing(c), positions, v.key);
    tensor::attention_forward(compute, attention_shape(context, rows), v.query, v.key, v.value,
                              v.mixed, v.stats);
    tensor::matmul_nt(compute, v.mixed, w.wo, branch);
    tensor::add(compute, rows * c.dim, x.data, branch.data, v.middle.data);

    tensor::rmsnorm_forward(compute, v.middle, floats(w.ffn_norm), c.norm_eps, v.ffn_normed,
                            kept.ffn_rstd.data());
    tensor::matmul_nt(compute, v.ffn_normed, w.w_gate, v.gate);
    tensor::matmul_nt(compute, v.ffn_normed, w.w_up, v.up);
    tensor::swiglu_forward(compute, rows * c.hidden_dim, v.gate.data, v.up.data, v.activated.data);
    tensor::matmul_nt(compute, v.activated, w.w_down, branch);
    tensor::add(compute, rows * c.dim, v.middle.data, branch.data, x.data);
}

void layer_backward(const LayerContext& context, const LayerWeights& w, LayerActivations& kept,
                    LayerScratch& scratch, LayerGradients& g, Matrix dx) {
    const ModelConfig& c = context.config;
    const tensor::Compute& compute = context.compute;
    const std::size_t rows = dx.rows;
    const Views v(c, kept, rows);
    const Matrix branch(scratch.branch.data(), rows, c.dim);
    const Matrix branch2(scratch.branch2.data(), rows, c.dim);
    const Matrix dquery(scratch.dquery.data(), rows, c.dim);
    const Matrix dkey(scratch.dkey.data(), rows, c.kv_dim());
    const Matrix dvalue(scratch.dvalue.data(), rows, c.kv_dim());
    const Matrix dgate(scratch.dgate.data(), rows, c.hidden_dim);
    const Matrix dup(scratch.dup.data(), rows, c.hidden_dim);
    const tensor::RopeRows positions{.tokens = context.sequence};
    const auto add_to = [&](Matrix sum, Matrix term) {
        tensor::add(compute, rows * c.dim, sum.data, term.data, sum.data);
    };

    // Feed-forward: y = middle + w_down * (silu(gate) .* up).
    tensor::matmul_nn(compute, dx, w.w_down.f32(), dup);
    tensor::matmul_tn_accumulate(compute, dx, v.activated, gradient(g.w_down, c.dim));
    tensor::swiglu_backward(compute, rows * c.hidden_dim, dup.data, v.gate.data, v.up.data,
                            dgate.data, dup.data);
    tensor::matmul_tn_accumulate(compute, dgate, v.ffn_normed, gradient(g.w_gate, c.hidden_dim));
    tensor::matmul_tn_accumulate(compute, dup, v.ffn_normed, gradient(g.w_up, c.hidden_dim));
    tensor::matmul_nn(compute, dgate, w.w_gate.f32(), branch);
    tensor::matmul_nn(compute, dup, w.w_up.f32(), branch2);
    add_to(branch, branch2);
    tensor::rmsnorm_backward(compute, branch, v.middle, floats(w.ffn_norm), kept.ffn_rstd.data(),
                             branch, g.ffn_norm.data());
    add_to(dx, branch);

    // Attention: middle = input + wo * attention(q, k, v).
    tensor::matmul_nn(compute, dx, w.wo.f32(), branch);
    tensor::matmul_tn_accumulate(compute, dx, v.mixed, gradient(g.wo, c.dim));
    tensor::attention_backward(compute, attention_shape(context, rows), branch, v.query, v.key,
                               v.value, v.mixed, v.stats, dquery, dkey, dvalue);
    tensor::rope_backward(compute, context.rope, pairing(c), positions, dquery);
    tensor::rope_backward(compute, context.rope, pairing(c), positions, dkey);
    tensor::matmul_tn_accumulate(compute, dquery, v.attn_normed, gradient(g.wq, c.dim));
    tensor::matmul_tn_accumulate(compute, dkey, v.attn_normed, gradient(g.wk, c.kv_dim()));
    tensor::matmul_tn_accumulate(compute, dvalue, v.attn_normed, gradient(g.wv, c.kv_dim()));
    tensor::matmul_nn(compute, dquery, w.wq.f32(), branch);
    tensor::matmul_nn(compute, dkey, w.wk.f32(), branch2);
    add_to(branch, branch2);
    tensor::matmul_nn(compute, dvalue, w.wv.f32(), branch2);
    add_to(branch, branch2);
    tensor::rmsnorm_backward(compute, branch, v.input, floats(w.attn_norm), kept.attn_rstd.data(),
                             branch, g.attn_norm.data());
    add_to(dx, branch);
}

}  // namespace cairn::model
