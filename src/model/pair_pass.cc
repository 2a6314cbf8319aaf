#include "model/pair_pass.h"

#include <algorithm>

#include <fmt/core.h>

#include "model/stack_pass.h"
#include "tensor/bias.h"
#include "tensor/elementwise.h"
#include "tensor/loss.h"
#include "tensor/matmul.h"

namespace cairn::model {

using tensor::ConstMatrix;
using tensor::Matrix;
using Tokens = std::vector<std::uint32_t>;
using K = TensorKind;

Status check_pair_text(const EncoderDecoderLayout& layout, const PairText& pair,
                       std::size_t given) {
    const ModelConfig& encoder = layout.encoder().config();
    const ModelConfig& decoder = layout.decoder().config();
    if (pair.source.empty() || pair.source.size() > encoder.context)
        return invalid(fmt::format("a source has 1 to {} tokens, not {}", encoder.context,
                                   pair.source.size()));
    if (pair.target.size() <= given || pair.target_rows() > decoder.context)
        return invalid(fmt::format("a target has {} to {} tokens, not {}", given + 1,
                                   decoder.context + 1, pair.target.size()));
    for (const auto text : {pair.source, pair.target})
        for (const std::uint32_t token : text)
            if (token >= decoder.vocab)
                return invalid(
                    fmt::format("token {} is outside the vocabulary of {}", token, decoder.vocab));
    return ok_status();
}

std::uint64_t learnt_tokens(std::span<const PairText> pairs, std::size_t given) {
    std::uint64_t count = 0;
    for (const PairText& pair : pairs) count += pair.target.size() - given;
    return count;
}

struct PairPass::State {
    State(const EncoderDecoderLayout& encoder_decoder_layout, const PairBounds& most,
          std::size_t given_tokens, const tensor::Compute& chosen, bool gradients)
        : layout(encoder_decoder_layout),
          config(layout.decoder().config()),
          bounds(most),
          given(given_tokens),
          compute(chosen),
          with_gradient(gradients),
          encoder(layout.encoder(),
                  {bounds.source_rows,
                   std::min<std::size_t>(bounds.source_rows, layout.encoder().config().context)},
                  compute, gradients),
          decoder(layout.decoder(),
                  {bounds.target_rows, std::min<std::size_t>(bounds.target_rows, config.context),
                   bounds.source_rows},
                  compute, gradients) {
        logits.resize(bounds.target_rows * config.vocab);
        losses.resize(bounds.target_rows);
        if (!gradients) return;
        dsource.resize(bounds.source_rows * config.dim);
        const std::size_t table = std::size_t{config.vocab} * config.dim;
        encoder_rows.resize(table);
        decoder_rows.resize(table);
        decoder_gradient.resize(layout.decoder().size());
    }

    void take(std::span<const PairText> pairs);
    void leave_out_given(Matrix dlogits);
    std::int64_t forward(const EncoderDecoderWeights& weights, bool differentiate);
    void backward(const EncoderDecoderWeights& weights, std::span<float> gradient);
    StackTexts sources() const { return {.lengths = source_lengths}; }
    StackTexts targets() const { return {.lengths = target_lengths, .source = &source}; }

    EncoderDecoderLayout layout;
    ModelConfig config;  // the decoder's
    PairBounds bounds;
    std::size_t given;
    tensor::Compute compute;
    bool with_gradient;
    StackPass encoder, decoder;
    // Of the leaf.
    Tokens source_tokens, inputs, labels;
    std::vector<std::size_t> source_lengths, target_lengths;
    SourceTexts source;
    Matrix head_input;
    std::vector<float> logits;   // [target rows, vocab]; backward: their gradient
    std::vector<float> losses;   // [target rows]
    std::vector<float> dsource;  // [source rows, dim]
    std::vector<float> encoder_rows, decoder_rows;  // [vocab, dim] gradients of embedding rows
    std::vector<float> decoder_gradient;            // of the decoder as a model of its own
};

void PairPass::State::take(std::span<const PairText> pairs) {
    for (Tokens* tokens : {&source_tokens, &inputs, &labels}) tokens->clear();
    source_lengths.clear();
    target_lengths.clear();
    for (const PairText& pair : pairs) {
        CHECK(check_pair_text(layout, pair, given).ok());
        source_tokens.insert(source_tokens.end(), pair.source.begin(), pair.source.end());
        inputs.insert(inputs.end(), pair.target.begin(), pair.target.end() - 1);
        labels.insert(labels.end(), pair.target.begin() + 1, pair.target.end());
        source_lengths.push_back(pair.source.size());
        target_lengths.push_back(pair.target_rows());
    }
    CHECK(!pairs.empty() && source_tokens.size() <= bounds.source_rows &&
          inputs.size() <= bounds.target_rows);
}

// Rows whose next token is given have no loss.
void PairPass::State::leave_out_given(Matrix dlogits) {
    std::size_t row = 0;
    for (const std::size_t length : target_lengths) {
        for (std::size_t i = 0; i + 1 < given; ++i) {
            losses[row + i] = 0.0F;
            if (dlogits.data != nullptr) std::fill_n(dlogits.row(row + i), dlogits.cols, 0.0F);
        }
        row += length;
    }
}

std::int64_t PairPass::State::forward(const EncoderDecoderWeights& weights, bool differentiate) {
    source = {source_lengths, encoder.forward(weights.encoder, source_tokens, sources())};
    head_input = decoder.forward(weights.decoder, inputs, targets());
    const Matrix z(logits.data(), inputs.size(), config.vocab);
    tensor::matmul_nt(compute, head_input, weights.decoder.head, z);
    if (config.head_bias) tensor::add_bias(compute, floats(weights.decoder.head_bias), z);
    const std::span<float> now = std::span(losses).first(inputs.size());
    const Matrix dlogits = differentiate ? z : Matrix();
    tensor::cross_entropy(compute, z, labels, now.data(), dlogits);
    leave_out_given(dlogits);
    return tensor::sum_losses_fixed(now);
}

void PairPass::State::backward(const EncoderDecoderWeights& weights, std::span<float> gradient) {
    std::fill(gradient.begin(), gradient.end(), 0.0F);
    for (std::vector<float>* sum : {&dsource, &encoder_rows, &decoder_rows, &decoder_gradient})
        std::fill(sum->begin(), sum->end(), 0.0F);
    const ParameterLayout& half = layout.decoder();
    const std::span<float> own(decoder_gradient);
    const Matrix dlogits(logits.data(), inputs.size(), config.vocab);
    if (config.head_bias)
        tensor::bias_backward_accumulate(compute, dlogits, half.slice(own, K::kHeadBias).data());
    const std::span<float> dhead =
        half.slice(own, config.tied_head ? K::kTokenEmbedding : K::kHead);
    tensor::matmul_tn_accumulate(compute, dlogits, head_input,
                                 Matrix(dhead.data(), config.vocab, config.dim));
    // head_input is read for the last time above.
    const Matrix dx = decoder.gradient_rows(inputs.size());
    tensor::matmul_nn(compute, dlogits, weights.decoder.head.f32(), dx);
    source.dstates = Matrix(dsource.data(), source_tokens.size(), config.dim);
    decoder.backward(weights.decoder, inputs, targets(), dx, own, decoder_rows);
    encoder.backward(weights.encoder, source_tokens, sources(), source.dstates,
                     layout.of_encoder(gradient), encoder_rows);
    const std::span<float> rest = own.subspan(layout.embedding());
    std::copy(rest.begin(), rest.end(), layout.of_decoder(gradient).begin());
    // head (+0 where it is a tensor of its own) + the decoder's rows + the encoder's rows
    const std::span<float> embedding = own.first(layout.embedding());
    tensor::add(compute, embedding.size(), embedding.data(), decoder_rows.data(), embedding.data());
    tensor::add(compute, embedding.size(), embedding.data(), encoder_rows.data(), gradient.data());
}

PairPass::PairPass(const EncoderDecoderLayout& layout, const PairBounds& bounds, std::size_t given,
                   const tensor::Compute& compute, bool with_gradient) {
    CHECK(given >= 1 && bounds.source_rows > 0 && bounds.target_rows > 0);
    state_ = std::make_unique<State>(layout, bounds, given, compute, with_gradient);
}

PairPass::~PairPass() = default;

const PairBounds& PairPass::bounds() const { return state_->bounds; }

std::int64_t PairPass::forward_loss(const EncoderDecoderWeights& weights,
                                    std::span<const PairText> pairs) {
    state_->take(pairs);
    return state_->forward(weights, false);
}

std::int64_t PairPass::backward(const EncoderDecoderWeights& weights,
                                std::span<const PairText> pairs, std::span<float> gradient) {
    CHECK(state_->with_gradient && gradient.size() == state_->layout.size());
    state_->take(pairs);
    const std::int64_t sum = state_->forward(weights, true);
    state_->backward(weights, gradient);
    return sum;
}

}  // namespace cairn::model
