// CONSENSUS: changing a result here splits the network.
#include "model/leaf.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include <fmt/core.h>

#include "model/embed.h"
#include "model/layer_pass.h"
#include "tensor/elementwise.h"
#include "tensor/embedding.h"
#include "tensor/loss.h"
#include "tensor/matmul.h"
#include "tensor/positions.h"

namespace cairn::model {

using tensor::ConstMatrix;
using tensor::Matrix;
using TokenSpan = std::span<const std::uint32_t>;

namespace {

constexpr std::uint32_t kMaxLeaf = 1U << 20;
constexpr std::uint32_t kDefaultMicrobatch = 1024;

std::uint32_t choose_microbatch(const LeafShape& shape) {
    if (shape.microbatch != 0) return shape.microbatch;
    return std::min(shape.leaf_tokens, std::max(shape.context, kDefaultMicrobatch));
}

}  // namespace

double nats(std::int64_t loss_sum, std::uint64_t tokens) {
    return tokens == 0 ? 0.0 : static_cast<double>(loss_sum) / 0x1p20 / static_cast<double>(tokens);
}

Status validate(const LeafShape& shape, const ModelConfig& config) {
    RETURN_IF_ERROR(validate(config));
    if (!config.has_head())
        return Error{ErrorCode::kUnsupported,
                     "an encoder predicts no next token: its hidden states can be computed "
                     "(model/encoder.h), but it has no such loss and cannot be trained here"};
    if (config.crosses())
        return Error{ErrorCode::kUnsupported,
                     "an encoder-decoder cannot be trained here: its decoder's loss needs the text "
                     "that the encoder reads"};
    if (!std::has_single_bit(shape.leaf_tokens) || shape.leaf_tokens < kMinLeaf ||
        shape.leaf_tokens > kMaxLeaf)
        return invalid(fmt::format("a gradient leaf is a power of two from {} to {} tokens, not {}",
                                   kMinLeaf, kMaxLeaf, shape.leaf_tokens));
    if (!std::has_single_bit(shape.context) || shape.context > shape.leaf_tokens ||
        shape.context > config.context)
        return invalid(fmt::format(
            "training sequences are a power of two, at most the leaf ({}) and the model's "
            "context ({}), not {}",
            shape.leaf_tokens, config.context, shape.context));
    const std::uint32_t step = std::max<std::uint32_t>(tensor::kChunk, shape.context);
    if (shape.microbatch != 0 &&
        (shape.microbatch % step != 0 || shape.leaf_tokens % shape.microbatch != 0))
        return invalid(fmt::format(
            "a microbatch is a multiple of {} tokens that divides the leaf ({}), not {}", step,
            shape.leaf_tokens, shape.microbatch));
    return ok_status();
}

struct LeafPass::State {
    State(const ParameterLayout& parameter_layout, const LeafShape& leaf_shape,
          const tensor::Compute& chosen, bool gradients)
        : layout(parameter_layout),
          config(layout.config()),
          shape(leaf_shape),
          compute(chosen),
          with_gradient(gradients),
          ropes(rope_tables(config, shape.context)),
          sinusoids(position_table(config, shape.context)),
          scratch(config, choose_microbatch(shape), gradients) {
        shape.microbatch = choose_microbatch(shape);
        const std::size_t n = shape.microbatch;
        // Without a backward pass nothing is read again: one layer's memory serves all.
        for (std::uint32_t i = 0; i < (gradients ? config.layers : 1); ++i)
            kept.emplace_back(config, n);
        row.resize(config.dim);
        residual.resize(n * config.dim);
        normed.resize(n * config.dim);
        mean.resize(n);
        rstd.resize(n);
        logits.resize(n * config.vocab);
        losses.resize(n);
        if (config.embedding_norm) {
            embedded.resize(n * config.dim);
            embedded_mean.resize(n);
            embedded_rstd.resize(n);
        }
        if (!gradients) return;
        if (config.positions == PositionKind::kLearned)
            positions = tensor::consecutive_positions(n, shape.context);
        if (config.token_types > 0) types.resize(n, 0);
        if (config.tied_head) embedding_gradient.resize(std::size_t{config.vocab} * config.dim);
    }

    LayerContext context(std::uint32_t layer) const {
        return {config, compute, ropes, shape.context, layer};
    }
    LayerGraph graph() const { return {config, compute}; }
    NormStats final_stats() { return {mean.data(), rstd.data()}; }
    NormStats embedded_stats() { return {embedded_mean.data(), embedded_rstd.data()}; }

    void embed(const Weights& weights, TokenSpan tokens, Matrix x);
    void embed_backward(const Weights& weights, TokenSpan tokens, Matrix dx,
                        std::span<float> gradient);
    // Logits and, from them, losses (and dlogits in place) of one microbatch.
    void forward(const Weights& weights, TokenSpan tokens, TokenSpan targets,
                 std::span<float> token_losses, bool differentiate);
    void backward(const Weights& weights, TokenSpan tokens, std::span<float> gradient);
    // Where embedding rows are added: with a tied head in a buffer of its own, which joins the
    // head's gradient as one term at the leaf's end.
    std::span<float> embedding_target(std::span<float> gradient) {
        return config.tied_head ? std::span<float>(embedding_gradient)
                                : layout.slice(gradient, TensorKind::kTokenEmbedding);
    }
    float* gradient_row(std::span<float> gradient, TensorKind kind) const {
        return layout.slice_if(gradient, kind).data();
    }

    ParameterLayout layout;
    ModelConfig config;
    LeafShape shape;
    tensor::Compute compute;
    bool with_gradient;
    RopeTables ropes;
    std::vector<float> sinusoids;  // [T, dim] or nothing
    LayerScratch scratch;
    std::vector<LayerActivations> kept;
    std::vector<float> row;                           // [dim]
    std::vector<float> embedded;                      // [n, dim] what the embedding norm reads
    std::vector<float> embedded_mean, embedded_rstd;  // [n]
    std::vector<std::uint32_t> positions, types;      // [n] rows of their tables
    std::vector<float> residual;                      // [n, dim]
    std::vector<float> normed;              // [n, dim] the head's input; backward: gradients
    std::vector<float> mean, rstd;          // [n]
    std::vector<float> logits;              // [n, vocab]; backward: their gradient
    std::vector<float> losses;              // [n]
    std::vector<float> embedding_gradient;  // [vocab, dim] if tied
};

void LeafPass::State::embed(const Weights& weights, TokenSpan tokens, Matrix x) {
    const TokenPositions at{0, shape.context};
    if (!config.embedding_norm)
        return embed_tokens(graph(), weights, sinusoids, tokens, at, row, x);
    const Matrix sum(embedded.data(), x.rows, x.cols);
    embed_tokens(graph(), weights, sinusoids, tokens, at, row, sum);
    norm_forward(graph(), sum, weights.embedding_norm, weights.embedding_norm_bias, x,
                 embedded_stats());
}

void LeafPass::State::embed_backward(const Weights& weights, TokenSpan tokens, Matrix dx,
                                     std::span<float> gradient) {
    using K = TensorKind;
    if (config.embedding_norm)
        norm_backward(graph(), dx, ConstMatrix(embedded.data(), dx.rows, dx.cols),
                      weights.embedding_norm, embedded_stats(), dx,
                      gradient_row(gradient, K::kEmbeddingNorm),
                      gradient_row(gradient, K::kEmbeddingNormBias));
    const auto add_rows = [&](K kind, TokenSpan rows) {
        const TensorInfo& info = layout.at(kind);
        tensor::position_rows_backward_accumulate(
            compute, rows, dx, Matrix(gradient_row(gradient, kind), info.rows, info.cols));
    };
    if (!positions.empty())
        add_rows(K::kPositionEmbedding, TokenSpan(positions).first(tokens.size()));
    if (!types.empty()) add_rows(K::kTypeEmbedding, TokenSpan(types).first(tokens.size()));
    if (config.scaled_embedding)
        tensor::scale(compute, dx.rows * dx.cols, embedding_factor(config), dx.data);
    tensor::embedding_backward_accumulate(
        compute, tokens, dx, Matrix(embedding_target(gradient).data(), config.vocab, config.dim));
}

void LeafPass::State::forward(const Weights& weights, TokenSpan tokens, TokenSpan targets,
                              std::span<float> token_losses, bool differentiate) {
    const std::size_t rows = tokens.size();
    const Matrix x(residual.data(), rows, config.dim);
    const Matrix z(logits.data(), rows, config.vocab);
    embed(weights, tokens, x);
    for (std::uint32_t layer = 0; layer < config.layers; ++layer)
        layer_forward(context(layer), weights.layers[layer], kept[with_gradient ? layer : 0],
                      scratch, x);
    Matrix head_input = x;
    if (config.has_final_norm()) {
        head_input = Matrix(normed.data(), rows, config.dim);
        norm_forward(graph(), x, weights.final_norm, weights.final_norm_bias, head_input,
                     final_stats());
    }
    tensor::matmul_nt(compute, head_input, weights.head, z);
    tensor::cross_entropy(compute, z, targets, token_losses.data(), differentiate ? z : Matrix());
}

void LeafPass::State::backward(const Weights& weights, TokenSpan tokens,
                               std::span<float> gradient) {
    const std::size_t rows = tokens.size();
    const Matrix x(residual.data(), rows, config.dim);
    const Matrix dlogits(logits.data(), rows, config.vocab);
    const std::span<float> dhead =
        layout.slice(gradient, config.tied_head ? TensorKind::kTokenEmbedding : TensorKind::kHead);
    const Matrix dx(normed.data(), rows, config.dim);
    const Matrix head_input = config.has_final_norm() ? dx : x;
    tensor::matmul_tn_accumulate(compute, dlogits, head_input,
                                 Matrix(dhead.data(), config.vocab, config.dim));
    // head_input is read for the last time above.
    tensor::matmul_nn(compute, dlogits, weights.head.f32(), dx);
    if (config.has_final_norm())
        norm_backward(graph(), dx, x, weights.final_norm, final_stats(), dx,
                      gradient_row(gradient, TensorKind::kFinalNorm),
                      gradient_row(gradient, TensorKind::kFinalNormBias));
    for (std::uint32_t layer = config.layers; layer-- > 0;)
        layer_backward(context(layer), weights.layers[layer], kept[layer], scratch,
                       LayerGradients(layout, layer, gradient), dx);
    embed_backward(weights, tokens, dx, gradient);
}

LeafPass::LeafPass(const ParameterLayout& layout, const LeafShape& shape,
                   const tensor::Compute& compute, bool with_gradient) {
    CHECK(validate(shape, layout.config()).ok());
    state_ = std::make_unique<State>(layout, shape, compute, with_gradient);
}

LeafPass::~LeafPass() = default;

const LeafShape& LeafPass::shape() const { return state_->shape; }

void LeafPass::token_losses(const Weights& weights, TokenSpan tokens, TokenSpan targets,
                            std::span<float> losses) {
    CHECK(tokens.size() == targets.size() && tokens.size() == losses.size());
    CHECK(tokens.size() % state_->shape.context == 0);
    for (const std::uint32_t token : tokens) CHECK(token < state_->config.vocab);
    for (const std::uint32_t target : targets) CHECK(target < state_->config.vocab);
    for (std::size_t at = 0; at < tokens.size(); at += state_->shape.microbatch) {
        const std::size_t n = std::min<std::size_t>(state_->shape.microbatch, tokens.size() - at);
        state_->forward(weights, tokens.subspan(at, n), targets.subspan(at, n),
                        losses.subspan(at, n), false);
    }
}

std::int64_t LeafPass::forward_loss(const Weights& weights, TokenSpan tokens, TokenSpan targets) {
    CHECK(tokens.size() == targets.size());
    const std::size_t step = state_->shape.microbatch;
    std::int64_t sum = 0;
    for (std::size_t at = 0; at < tokens.size(); at += step) {
        const std::size_t n = std::min(step, tokens.size() - at);
        const std::span<float> losses = std::span(state_->losses).first(n);
        token_losses(weights, tokens.subspan(at, n), targets.subspan(at, n), losses);
        sum += tensor::sum_losses_fixed(losses);
    }
    return sum;
}

std::int64_t LeafPass::backward(const Weights& weights, TokenSpan tokens, TokenSpan targets,
                                std::span<float> gradient) {
    State& s = *state_;
    CHECK(s.with_gradient);
    CHECK(tokens.size() == s.shape.leaf_tokens && targets.size() == tokens.size());
    CHECK(gradient.size() == s.layout.size());
    for (const std::uint32_t token : tokens) CHECK(token < s.config.vocab);
    for (const std::uint32_t target : targets) CHECK(target < s.config.vocab);
    std::fill(gradient.begin(), gradient.end(), 0.0F);
    std::fill(s.embedding_gradient.begin(), s.embedding_gradient.end(), 0.0F);
    std::int64_t sum = 0;
    for (std::size_t at = 0; at < tokens.size(); at += s.shape.microbatch) {
        const TokenSpan batch = tokens.subspan(at, s.shape.microbatch);
        s.forward(weights, batch, targets.subspan(at, s.shape.microbatch), s.losses, true);
        sum += tensor::sum_losses_fixed(s.losses);
        s.backward(weights, batch, gradient);
    }
    if (s.config.tied_head) {
        const std::span<float> head = s.layout.slice(gradient, TensorKind::kTokenEmbedding);
        tensor::add(s.compute, head.size(), head.data(), s.embedding_gradient.data(), head.data());
    }
    return sum;
}

}  // namespace cairn::model
