// CONSENSUS: changing a result here splits the network.
#include "model/stack_pass.h"

#include <algorithm>

#include "model/embed.h"
#include "tensor/elementwise.h"
#include "tensor/embedding.h"
#include "tensor/positions.h"

namespace cairn::model {

using tensor::ConstMatrix;
using tensor::Matrix;
using TokenSpan = std::span<const std::uint32_t>;

namespace {

// f(first row, rows) of each stretch of rows whose positions are 0, 1, ..., length - 1, repeated.
template <typename F>
void for_each_stretch(const StackTexts& texts, std::size_t rows, F f) {
    if (texts.lengths.empty()) return f(std::size_t{0}, rows, texts.length);
    std::size_t at = 0;
    for (const std::size_t length : texts.lengths) {
        f(at, length, length);
        at += length;
    }
    CHECK(at == rows);
}

}  // namespace

StackPass::StackPass(const ParameterLayout& layout, const StackBounds& bounds,
                     const tensor::Compute& compute, bool with_gradient)
    : layout_(layout),
      config_(layout.config()),
      compute_(compute),
      with_gradient_(with_gradient),
      ropes_(rope_tables(config_, bounds.positions)),
      sinusoids_(position_table(config_, bounds.positions)),
      scratch_(config_, bounds.rows, with_gradient, bounds.source_rows) {
    const std::size_t n = bounds.rows;
    // Without a backward pass nothing is read again: one layer's memory serves all.
    for (std::uint32_t i = 0; i < (with_gradient ? config_.layers : 1); ++i)
        kept_.emplace_back(config_, n, bounds.source_rows);
    row_.resize(config_.dim);
    residual_.resize(n * config_.dim);
    normed_.resize(n * config_.dim);
    mean_.resize(n);
    rstd_.resize(n);
    if (!config_.embedding_norm) return;
    embedded_.resize(n * config_.dim);
    embedded_mean_.resize(n);
    embedded_rstd_.resize(n);
}

LayerContext StackPass::context(std::uint32_t layer, const StackTexts& texts) const {
    return {config_, compute_, ropes_, texts.length, layer, texts.lengths, texts.source};
}

void StackPass::embed(const Weights& weights, TokenSpan tokens, const StackTexts& texts, Matrix x) {
    const Matrix sum = config_.embedding_norm ? Matrix(embedded_.data(), x.rows, x.cols) : x;
    for_each_stretch(texts, tokens.size(),
                     [&](std::size_t first, std::size_t rows, std::size_t length) {
                         embed_tokens(graph(), weights, sinusoids_, tokens.subspan(first, rows),
                                      {0, length}, row_, sum.row_range(first, rows));
                     });
    if (config_.embedding_norm)
        norm_forward(graph(), sum, weights.embedding_norm, weights.embedding_norm_bias, x,
                     embedded_stats());
}

void StackPass::embed_backward(const Weights& weights, TokenSpan tokens, const StackTexts& texts,
                               Matrix dx, std::span<float> gradient, std::span<float> dtokens) {
    using K = TensorKind;
    if (config_.embedding_norm)
        norm_backward(graph(), dx, ConstMatrix(embedded_.data(), dx.rows, dx.cols),
                      weights.embedding_norm, embedded_stats(), dx,
                      layout_.slice_if(gradient, K::kEmbeddingNorm).data(),
                      layout_.slice_if(gradient, K::kEmbeddingNormBias).data());
    const auto add_rows = [&](K kind) {
        const TensorInfo& info = layout_.at(kind);
        tensor::position_rows_backward_accumulate(
            compute_, table_rows_, dx,
            Matrix(layout_.slice(gradient, kind).data(), info.rows, info.cols));
    };
    if (config_.positions == PositionKind::kLearned) {
        table_rows_.clear();
        for_each_stretch(texts, tokens.size(), [&](std::size_t, std::size_t rows, std::size_t t) {
            for (std::size_t i = 0; i < rows; ++i)
                table_rows_.push_back(static_cast<std::uint32_t>(i % t));
        });
        add_rows(K::kPositionEmbedding);
    }
    if (config_.token_types > 0) {
        table_rows_.assign(tokens.size(), 0);
        add_rows(K::kTypeEmbedding);
    }
    if (config_.scaled_embedding)
        tensor::scale(compute_, dx.rows * dx.cols, embedding_factor(config_), dx.data);
    tensor::embedding_backward_accumulate(compute_, tokens, dx,
                                          Matrix(dtokens.data(), config_.vocab, config_.dim));
}

Matrix StackPass::forward(const Weights& weights, TokenSpan tokens, const StackTexts& texts) {
    CHECK(tokens.size() * config_.dim <= residual_.size());
    const Matrix x(residual_.data(), tokens.size(), config_.dim);
    embed(weights, tokens, texts, x);
    for (std::uint32_t layer = 0; layer < config_.layers; ++layer)
        layer_forward(context(layer, texts), weights.layers[layer],
                      kept_[with_gradient_ ? layer : 0], scratch_, x);
    if (!config_.has_final_norm()) return x;
    const Matrix states(normed_.data(), tokens.size(), config_.dim);
    norm_forward(graph(), x, weights.final_norm, weights.final_norm_bias, states, final_stats());
    return states;
}

void StackPass::backward(const Weights& weights, TokenSpan tokens, const StackTexts& texts,
                         Matrix dx, std::span<float> gradient, std::span<float> dtokens) {
    using K = TensorKind;
    CHECK(with_gradient_ && dx.rows == tokens.size() && dx.cols == config_.dim);
    if (config_.has_final_norm())
        norm_backward(graph(), dx, ConstMatrix(residual_.data(), dx.rows, dx.cols),
                      weights.final_norm, final_stats(), dx,
                      layout_.slice_if(gradient, K::kFinalNorm).data(),
                      layout_.slice_if(gradient, K::kFinalNormBias).data());
    for (std::uint32_t layer = config_.layers; layer-- > 0;)
        layer_backward(context(layer, texts), weights.layers[layer], kept_[layer], scratch_,
                       LayerGradients(layout_, layer, gradient), dx);
    embed_backward(weights, tokens, texts, dx, gradient, dtokens);
}

}  // namespace cairn::model
