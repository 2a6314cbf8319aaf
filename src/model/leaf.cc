// CONSENSUS: changing a result here splits the network.
#include "model/leaf.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include <fmt/core.h>

#include "model/stack_pass.h"
#include "tensor/elementwise.h"
#include "tensor/loss.h"
#include "tensor/matmul.h"

namespace cairn::model {

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
          stack(layout, {choose_microbatch(shape), shape.context}, compute, gradients) {
        shape.microbatch = choose_microbatch(shape);
        const std::size_t n = shape.microbatch;
        logits.resize(n * config.vocab);
        losses.resize(n);
        if (gradients && config.tied_head)
            embedding_gradient.resize(std::size_t{config.vocab} * config.dim);
    }

    StackTexts texts() const { return {.length = shape.context}; }
    // Logits and, from them, losses (and dlogits in place) of one microbatch.
    Matrix forward(const Weights& weights, TokenSpan tokens, TokenSpan targets,
                   std::span<float> token_losses, bool differentiate);
    // head_input: what forward() gave.
    void backward(const Weights& weights, TokenSpan tokens, Matrix head_input,
                  std::span<float> gradient);
    // Where embedding rows are added: with a tied head in a buffer of its own, which joins the
    // head's gradient as one term at the leaf's end.
    std::span<float> embedding_target(std::span<float> gradient) {
        return config.tied_head ? std::span<float>(embedding_gradient)
                                : layout.slice(gradient, TensorKind::kTokenEmbedding);
    }

    ParameterLayout layout;
    ModelConfig config;
    LeafShape shape;
    tensor::Compute compute;
    bool with_gradient;
    StackPass stack;
    std::vector<float> logits;              // [n, vocab]; backward: their gradient
    std::vector<float> losses;              // [n]
    std::vector<float> embedding_gradient;  // [vocab, dim] if tied
};

Matrix LeafPass::State::forward(const Weights& weights, TokenSpan tokens, TokenSpan targets,
                                std::span<float> token_losses, bool differentiate) {
    const Matrix z(logits.data(), tokens.size(), config.vocab);
    const Matrix head_input = stack.forward(weights, tokens, texts());
    tensor::matmul_nt(compute, head_input, weights.head, z);
    tensor::cross_entropy(compute, z, targets, token_losses.data(), differentiate ? z : Matrix());
    return head_input;
}

void LeafPass::State::backward(const Weights& weights, TokenSpan tokens, Matrix head_input,
                               std::span<float> gradient) {
    const Matrix dlogits(logits.data(), tokens.size(), config.vocab);
    const std::span<float> dhead =
        layout.slice(gradient, config.tied_head ? TensorKind::kTokenEmbedding : TensorKind::kHead);
    tensor::matmul_tn_accumulate(compute, dlogits, head_input,
                                 Matrix(dhead.data(), config.vocab, config.dim));
    // head_input is read for the last time above.
    const Matrix dx = stack.gradient_rows(tokens.size());
    tensor::matmul_nn(compute, dlogits, weights.head.f32(), dx);
    stack.backward(weights, tokens, texts(), dx, gradient, embedding_target(gradient));
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
        const Matrix head_input =
            s.forward(weights, batch, targets.subspan(at, s.shape.microbatch), s.losses, true);
        sum += tensor::sum_losses_fixed(s.losses);
        s.backward(weights, batch, head_input, gradient);
    }
    if (s.config.tied_head) {
        const std::span<float> head = s.layout.slice(gradient, TensorKind::kTokenEmbedding);
        tensor::add(s.compute, head.size(), head.data(), s.embedding_gradient.data(), head.data());
    }
    return sum;
}

}  // namespace cairn::model
