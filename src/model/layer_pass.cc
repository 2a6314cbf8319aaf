// CONSENSUS: changing a result here splits the network.
#include "model/layer_pass.h"

#include <algorithm>

#include "model/layer_texts.h"
#include "tensor/attention_backward.h"
#include "tensor/bias.h"
#include "tensor/elementwise.h"
#include "tensor/gelu.h"
#include "tensor/matmul.h"
#include "tensor/norm.h"
#include "tensor/swiglu.h"

namespace cairn::model {

using tensor::ConstMatrix;
using tensor::Matrix;
using K = TensorKind;

namespace {

std::size_t if_any(bool present, std::size_t count) { return present ? count : 0; }
std::uint32_t widest_of_all(const ModelConfig& c) {
    std::uint32_t widest = 0;
    for (std::size_t i = 0; i < kProjections; ++i)
        widest = std::max(widest, c.widest_inner(static_cast<Projection>(i)));
    return widest;
}
bool has_mean(const ModelConfig& c) { return c.norm == NormKind::kLayer; }
bool has_post_norms(const ModelConfig& c) { return c.norm_position == NormPosition::kBoth; }

}  // namespace

LayerActivations::LayerActivations(const ModelConfig& c, std::size_t n, std::size_t m)
    : attn_norm_input(n * c.dim),
      attn_input(n * c.dim),
      attn_mean(if_any(has_mean(c), n)),
      attn_rstd(n),
      query_raw(if_any(c.qk_norm, n * c.q_dim())),
      key_raw(if_any(c.qk_norm, n * c.kv_dim())),
      query_rstd(if_any(c.qk_norm, n * c.heads)),
      key_rstd(if_any(c.qk_norm, n * c.kv_heads)),
      query(n * c.q_dim()),
      key(n * c.kv_dim()),
      value(n * c.kv_dim()),
      attn_output(n * c.q_dim()),
      softmax_max(n * c.heads),
      softmax_sum(n * c.heads),
      cross_norm_input(if_any(c.crosses(), n * c.dim)),
      cross_input(if_any(c.crosses(), n * c.dim)),
      cross_mean(if_any(c.crosses() && has_mean(c), n)),
      cross_rstd(if_any(c.crosses(), n)),
      cross_query(if_any(c.crosses(), n * c.q_dim())),
      cross_key(if_any(c.crosses(), m * c.kv_dim())),
      cross_value(if_any(c.crosses(), m * c.kv_dim())),
      cross_output(if_any(c.crosses(), n * c.q_dim())),
      cross_softmax_max(if_any(c.crosses(), n * c.heads)),
      cross_softmax_sum(if_any(c.crosses(), n * c.heads)),
      ffn_norm_input(n * c.dim),
      ffn_input(n * c.dim),
      ffn_mean(if_any(has_mean(c), n)),
      ffn_rstd(n),
      attn_post_input(if_any(has_post_norms(c), n * c.dim)),
      ffn_post_input(if_any(has_post_norms(c), n * c.dim)),
      attn_post_rstd(if_any(has_post_norms(c), n)),
      ffn_post_rstd(if_any(has_post_norms(c), n)),
      gate(if_any(c.is_gated(), n * c.hidden_dim)),
      up(n * c.hidden_dim),
      activated(n * c.hidden_dim) {
    for (std::size_t i = 0; i < kProjections; ++i)
        inner[i].resize(n * c.widest_inner(static_cast<Projection>(i)));
}

LayerScratch::LayerScratch(const ModelConfig& c, std::size_t n, bool with_gradient, std::size_t m)
    : branch(std::max(n, m) * c.dim) {
    if (!with_gradient) return;
    branch2.resize(std::max(n, m) * c.dim);
    dquery.resize(n * c.q_dim());
    dattn_output.resize(n * c.q_dim());
    dkey.resize(std::max(n, m) * c.kv_dim());
    dvalue.resize(std::max(n, m) * c.kv_dim());
    dgate.resize(if_any(c.is_gated(), n * c.hidden_dim));
    dup.resize(n * c.hidden_dim);
    dinner.resize(n * widest_of_all(c));
}

namespace {

LayerBuffers buffers_of(const LayerContext& context, LayerActivations& kept, LayerScratch& scratch,
                        std::size_t rows) {
    const ModelConfig& c = context.config;
    const auto view = [&](std::vector<float>& values, std::size_t cols) {
        return values.empty() ? Matrix() : Matrix(values.data(), rows, cols);
    };
    LayerBuffers b;
    b.attn_norm_input = view(kept.attn_norm_input, c.dim);
    b.attn_input = view(kept.attn_input, c.dim);
    b.query = view(kept.query, c.q_dim());
    b.key = view(kept.key, c.kv_dim());
    b.query_raw = c.qk_norm ? view(kept.query_raw, c.q_dim()) : b.query;
    b.key_raw = c.qk_norm ? view(kept.key_raw, c.kv_dim()) : b.key;
    b.value = view(kept.value, c.kv_dim());
    b.attn_output = view(kept.attn_output, c.q_dim());
    b.branch = view(scratch.branch, c.dim);
    b.cross_norm_input = view(kept.cross_norm_input, c.dim);
    b.cross_input = view(kept.cross_input, c.dim);
    b.cross_query = view(kept.cross_query, c.q_dim());
    b.cross_output = view(kept.cross_output, c.q_dim());
    b.cross_stats = {kept.cross_mean.data(), kept.cross_rstd.data()};
    b.attn_post_input = view(kept.attn_post_input, c.dim);
    b.ffn_post_input = view(kept.ffn_post_input, c.dim);
    b.ffn_norm_input = view(kept.ffn_norm_input, c.dim);
    b.ffn_input = view(kept.ffn_input, c.dim);
    b.gate = view(kept.gate, c.hidden_dim);
    b.up = view(kept.up, c.hidden_dim);
    b.activated = view(kept.activated, c.hidden_dim);
    b.attn_stats = {kept.attn_mean.data(), kept.attn_rstd.data()};
    b.ffn_stats = {kept.ffn_mean.data(), kept.ffn_rstd.data()};
    b.query_stats.rstd = kept.query_rstd.data();
    b.key_stats.rstd = kept.key_rstd.data();
    b.attn_post_stats.rstd = kept.attn_post_rstd.data();
    b.ffn_post_stats.rstd = kept.ffn_post_rstd.data();
    for (std::size_t i = 0; i < kProjections; ++i) {
        const auto projection = static_cast<Projection>(i);
        const std::uint32_t rank = c.rank(projection, context.layer);
        if (rank > 0) b.inner[i] = view(kept.inner[i], c.inner_width(projection, rank));
    }
    return b;
}

// The backward pass of one layer, step by step; members are views of its memory.
struct Backward {
    Backward(const LayerContext& shared, const LayerWeights& weights, LayerActivations& activations,
             LayerScratch& memory, const LayerGradients& gradients, std::size_t rows)
        : context(shared),
          g{shared.config, shared.compute},
          w(weights),
          grad(gradients),
          kept(activations),
          scratch(memory),
          b(buffers_of(shared, activations, memory, rows)),
          branch(b.branch),
          branch2(memory.branch2.data(), rows, shared.config.dim) {}

    // dW += dy^T x, db += dy over tokens; dx = dy * W. Through factors: the left one, then the
    // right.
    void linear(ConstMatrix dy, ConstMatrix x, Projection projection, K bias, Matrix dx) {
        const K weight = matrix_of(projection);
        if (float* dbias = grad.row(bias)) tensor::bias_backward_accumulate(g.compute, dy, dbias);
        const Matrix inner = b.inner[static_cast<std::size_t>(projection)];
        if (inner.data == nullptr) return product(dy, x, weight, 1, dx);
        const FactorBlocks blocks = g.config.blocks(projection);
        const Matrix dinner(scratch.dinner.data(), dy.rows, inner.cols);
        product(dy, inner, weight, blocks.left, dinner);
        product(dinner, x, right_factor_of(projection), blocks.right, dx);
    }
    // The same of one product, block by block (tensor::matmul_nt_blocks).
    void product(ConstMatrix dy, ConstMatrix x, K kind, std::size_t blocks, Matrix dx) {
        const Matrix dw = grad.matrix(kind);
        const ConstMatrix values = tensor_at(w, kind).f32();
        const std::size_t rows = dw.rows / blocks;
        for (std::size_t block = 0; block < blocks; ++block) {
            const ConstMatrix dy_part = dy.column_range(block * rows, rows);
            tensor::matmul_tn_accumulate(g.compute, dy_part,
                                         x.column_range(block * dw.cols, dw.cols),
                                         dw.row_range(block * rows, rows));
            tensor::matmul_nn(g.compute, dy_part, values.row_range(block * rows, rows),
                              dx.column_range(block * dw.cols, dw.cols));
        }
    }
    void add(Matrix sum, ConstMatrix term) {
        tensor::add(g.compute, sum.rows * sum.cols, sum.data, term.data, sum.data);
    }

    void activation(Matrix dup);
    void feed_forward(ConstMatrix dy);
    void heads(Matrix dhead, Matrix raw, const tensor::Weight& gamma, NormStats stats, K kind);
    void attention(ConstMatrix dy);
    void attend_backward(Matrix dattn_output, Matrix dquery, Matrix dkey, Matrix dvalue);
    void cross(ConstMatrix dy);
    void cross_linear(ConstMatrix dy, ConstMatrix x, K weight, K bias, Matrix dx) {
        if (float* dbias = grad.row(bias)) tensor::bias_backward_accumulate(g.compute, dy, dbias);
        product(dy, x, weight, 1, dx);
    }
    void cross_norm(Matrix dy) {
        norm_backward(g, dy, b.cross_norm_input, w.cross_norm, b.cross_stats, dy,
                      grad.row(K::kCrossNorm), grad.row(K::kCrossNormBias));
    }
    void attention_norm(Matrix dy) {
        norm_backward(g, dy, b.attn_norm_input, w.attn_norm, b.attn_stats, dy,
                      grad.row(K::kAttnNorm), grad.row(K::kAttnNormBias));
    }
    // branch = the gradient of a branch's result from that of its norm, where one stands behind it;
    // the branch's own backward pass then reads it from there.
    ConstMatrix behind(ConstMatrix dy, Matrix input, const tensor::Weight& gamma, NormStats stats,
                       K kind) {
        if (!has_post_norms(g.config)) return dy;
        norm_backward(g, dy, input, gamma, stats, branch, grad.row(kind), nullptr);
        return branch;
    }
    ConstMatrix behind_attention(ConstMatrix dy) {
        return behind(dy, b.attn_post_input, w.attn_post_norm, b.attn_post_stats, K::kAttnPostNorm);
    }
    ConstMatrix behind_feed_forward(ConstMatrix dy) {
        return behind(dy, b.ffn_post_input, w.ffn_post_norm, b.ffn_post_stats, K::kFfnPostNorm);
    }
    void ffn_norm(Matrix dy) {
        norm_backward(g, dy, b.ffn_norm_input, w.ffn_norm, b.ffn_stats, dy, grad.row(K::kFfnNorm),
                      grad.row(K::kFfnNormBias));
    }

    const LayerContext& context;
    LayerGraph g;
    const LayerWeights& w;
    const LayerGradients& grad;
    LayerActivations& kept;
    LayerScratch& scratch;
    LayerBuffers b;
    Matrix branch, branch2;
};

// dup: on entry the gradient of `activated`, on return of `up`; scratch.dgate of `gate`.
void Backward::activation(Matrix dup) {
    const std::size_t count = dup.rows * dup.cols;
    switch (g.config.feed_forward) {
        case FeedForward::kSwiglu:
            tensor::swiglu_backward(g.compute, count, dup.data, b.gate.data, b.up.data,
                                    scratch.dgate.data(), dup.data);
            break;
        case FeedForward::kGeglu:
            tensor::geglu_backward(g.compute, count, dup.data, b.gate.data, b.up.data,
                                   scratch.dgate.data(), dup.data);
            break;
        case FeedForward::kGelu:
            tensor::gelu_backward(g.compute, tensor::GeluForm::kErf, count, dup.data, b.up.data,
                                  dup.data);
            break;
        case FeedForward::kGeluTanh:
            tensor::gelu_backward(g.compute, tensor::GeluForm::kTanh, count, dup.data, b.up.data,
                                  dup.data);
            break;
        case FeedForward::kRelu:
            tensor::relu_backward(g.compute, count, dup.data, b.up.data, dup.data);
            break;
    }
}

// branch = the gradient of ffn_input from that of feed_forward(ffn_input).
void Backward::feed_forward(ConstMatrix dy) {
    const Matrix dup(scratch.dup.data(), dy.rows, g.config.hidden_dim);
    linear(dy, b.activated, Projection::kDown, K::kBDown, dup);
    activation(dup);
    if (!g.config.is_gated()) return linear(dup, b.ffn_input, Projection::kUp, K::kBUp, branch);
    const Matrix dgate(scratch.dgate.data(), dy.rows, g.config.hidden_dim);
    linear(dgate, b.ffn_input, Projection::kGate, K::kBGate, branch);
    linear(dup, b.ffn_input, Projection::kUp, K::kBUp, branch2);
    add(branch, branch2);
}

// The norm of heads backward, in place; rows of N1 are (token, head) ascending.
void Backward::heads(Matrix dhead, Matrix raw, const tensor::Weight& gamma, NormStats stats,
                     K kind) {
    const std::size_t d = g.config.head_dim();
    const Matrix rows = heads_as_rows(dhead, d);
    tensor::rmsnorm_backward(g.compute, rows, heads_as_rows(raw, d), floats(gamma), stats.rstd,
                             rows, grad.row(kind));
}

// N4 and the rotation back, text by text.
void Backward::attend_backward(Matrix dattn_output, Matrix dquery, Matrix dkey, Matrix dvalue) {
    const ModelConfig& c = g.config;
    const std::vector<TextRun> runs = runs_of(context, dquery.rows);
    std::vector<tensor::AttentionBackward> calls;
    for (const TextRun& run : runs) {
        const auto rows = [&](Matrix x) { return x.row_range(run.first, run.rows()); };
        calls.push_back({attention_shape(c, context.layer, run.texts, run.length),
                         rows(dattn_output), rows(b.query), rows(b.key), rows(b.value),
                         rows(b.attn_output),
                         stats_from(context, run.first, kept.softmax_max, kept.softmax_sum),
                         rows(dquery), rows(dkey), rows(dvalue)});
    }
    tensor::attention_backward(g.compute, calls);
    if (c.positions != PositionKind::kRotary) return;
    const tensor::RopeTable& rope = context.ropes.of(c, context.layer);
    for (const TextRun& run : runs)
        for (const Matrix x : {dquery, dkey})
            tensor::rope_backward(g.compute, rope, rope_pairing(c), {.tokens = run.length},
                                  x.row_range(run.first, run.rows()));
}

// branch = the gradient of cross_input from that of cross(cross_input); the other texts' states
// get theirs first.
void Backward::cross(ConstMatrix dy) {
    const ModelConfig& c = g.config;
    const SourceTexts& source = *context.source;
    const std::size_t m = source.states.rows;
    const Matrix doutput(scratch.dattn_output.data(), dy.rows, c.q_dim());
    const Matrix dquery(scratch.dquery.data(), dy.rows, c.q_dim());
    const Matrix dkey(scratch.dkey.data(), m, c.kv_dim());
    const Matrix dvalue(scratch.dvalue.data(), m, c.kv_dim());
    const Matrix key(kept.cross_key.data(), m, c.kv_dim());
    const Matrix value(kept.cross_value.data(), m, c.kv_dim());
    cross_linear(dy, b.cross_output, K::kCrossWo, K::kCrossBo, doutput);
    std::vector<tensor::AttentionBackward> calls;
    for_each_pair(context, [&](const TextRun& text, const TextRun& other) {
        const auto rows = [](Matrix x, const TextRun& of) {
            return x.row_range(of.first, of.length);
        };
        calls.push_back(
            {cross_attention_shape(c, text.length, other.length), rows(doutput, text),
             rows(b.cross_query, text), rows(key, other), rows(value, other),
             rows(b.cross_output, text),
             stats_from(context, text.first, kept.cross_softmax_max, kept.cross_softmax_sum),
             rows(dquery, text), rows(dkey, other), rows(dvalue, other)});
    });
    tensor::attention_backward(g.compute, calls);
    const Matrix dstates(scratch.branch.data(), m, c.dim), more(scratch.branch2.data(), m, c.dim);
    cross_linear(dkey, source.states, K::kCrossWk, K::kCrossBk, dstates);
    cross_linear(dvalue, source.states, K::kCrossWv, K::kCrossBv, more);
    add(dstates, more);
    add(source.dstates, dstates);
    cross_linear(dquery, b.cross_input, K::kCrossWq, K::kCrossBq, branch);
}

// branch = the gradient of attn_input from that of attention(attn_input).
void Backward::attention(ConstMatrix dy) {
    const ModelConfig& c = g.config;
    const Matrix dattn_output(scratch.dattn_output.data(), dy.rows, c.q_dim());
    const Matrix dquery(scratch.dquery.data(), dy.rows, c.q_dim());
    const Matrix dkey(scratch.dkey.data(), dy.rows, c.kv_dim());
    const Matrix dvalue(scratch.dvalue.data(), dy.rows, c.kv_dim());
    linear(dy, b.attn_output, Projection::kOutput, K::kBo, dattn_output);
    attend_backward(dattn_output, dquery, dkey, dvalue);
    if (c.qk_norm) {
        heads(dquery, b.query_raw, w.q_norm, b.query_stats, K::kQNorm);
        heads(dkey, b.key_raw, w.k_norm, b.key_stats, K::kKNorm);
    }
    linear(dquery, b.attn_input, Projection::kQuery, K::kBq, branch);
    linear(dkey, b.attn_input, Projection::kKey, K::kBk, branch2);
    add(branch, branch2);
    linear(dvalue, b.attn_input, Projection::kValue, K::kBv, branch2);
    add(branch, branch2);
}

}  // namespace

namespace {

void attend(const LayerContext& context, const LayerBuffers& b, LayerActivations& kept) {
    const ModelConfig& c = context.config;
    std::vector<tensor::AttentionForward> calls;
    for (const TextRun& run : runs_of(context, b.query.rows)) {
        const auto rows = [&](Matrix x) { return x.row_range(run.first, run.rows()); };
        rotate({c, context.compute}, context.ropes.of(c, context.layer), {.tokens = run.length},
               rows(b.query), rows(b.key));
        calls.push_back({attention_shape(c, context.layer, run.texts, run.length), rows(b.query),
                         rows(b.key), rows(b.value), rows(b.attn_output),
                         stats_from(context, run.first, kept.softmax_max, kept.softmax_sum)});
    }
    tensor::attention_forward(context.compute, calls);
}

void attend_source(const LayerContext& context, const LayerWeights& w, const LayerBuffers& b,
                   LayerActivations& kept) {
    const ModelConfig& c = context.config;
    const ConstMatrix states = context.source->states;
    CHECK(kept.cross_key.size() >= states.rows * c.kv_dim());
    const Matrix key(kept.cross_key.data(), states.rows, c.kv_dim());
    const Matrix value(kept.cross_value.data(), states.rows, c.kv_dim());
    cross_keys_values({c, context.compute}, w, states, key, value);
    std::vector<tensor::AttentionForward> calls;
    for_each_pair(context, [&](const TextRun& text, const TextRun& other) {
        calls.push_back(
            {cross_attention_shape(c, text.length, other.length),
             b.cross_query.row_range(text.first, text.length),
             key.row_range(other.first, other.length), value.row_range(other.first, other.length),
             b.cross_output.row_range(text.first, text.length),
             stats_from(context, text.first, kept.cross_softmax_max, kept.cross_softmax_sum)});
    });
    tensor::attention_forward(context.compute, calls);
}

}  // namespace

void layer_forward(const LayerContext& context, const LayerWeights& w, LayerActivations& kept,
                   LayerScratch& scratch, Matrix x) {
    const ModelConfig& c = context.config;
    const LayerGraph g{c, context.compute};
    CHECK(kept.attn_input.size() >= x.rows * c.dim);
    const LayerBuffers b = buffers_of(context, kept, scratch, x.rows);
    before_attention(g, w, b, x);
    attend(context, b, kept);
    if (!c.crosses()) return after_attention(g, w, b, x);
    before_cross_attention(g, w, b);
    attend_source(context, w, b, kept);
    after_cross_attention(g, w, b, x);
}

void layer_backward(const LayerContext& context, const LayerWeights& w, LayerActivations& kept,
                    LayerScratch& scratch, const LayerGradients& gradients, Matrix dx) {
    Backward pass(context, w, kept, scratch, gradients, dx.rows);
    if (context.config.norm_position != NormPosition::kPost) {
        pass.feed_forward(pass.behind_feed_forward(dx));
        pass.ffn_norm(pass.branch);
        pass.add(dx, pass.branch);
        if (context.config.crosses()) {
            pass.cross(dx);
            pass.cross_norm(pass.branch);
            pass.add(dx, pass.branch);
        }
        pass.attention(pass.behind_attention(dx));
        pass.attention_norm(pass.branch);
        pass.add(dx, pass.branch);
    } else {
        pass.ffn_norm(dx);
        pass.feed_forward(dx);
        pass.add(dx, pass.branch);
        if (context.config.crosses()) {
            pass.cross_norm(dx);
            pass.cross(dx);
            pass.add(dx, pass.branch);
        }
        pass.attention_norm(dx);
        pass.attention(dx);
        pass.add(dx, pass.branch);
    }
}

void norm_backward(const LayerGraph& g, ConstMatrix dy, ConstMatrix x, const tensor::Weight& gamma,
                   NormStats stats, Matrix dx, float* dgamma, float* dbeta) {
    if (g.config.norm == NormKind::kRms)
        tensor::rmsnorm_backward(g.compute, dy, x, floats(gamma), stats.rstd, dx, dgamma);
    else
        tensor::layernorm_backward(g.compute, dy, x, floats(gamma), stats.mean, stats.rstd, dx,
                                   dgamma, dbeta);
}

}  // namespace cairn::model
