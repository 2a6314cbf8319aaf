#include "infer/text_vectors.h"

#include <algorithm>

#include <fmt/core.h>

#include "model/embed.h"
#include "model/kv_cache.h"

namespace cairn::infer {

namespace {

// Tokens that an encoder gets room for, at least, and that a language model reads in one piece.
constexpr std::size_t kBatch = 128;
constexpr std::size_t kPiece = 64;

std::size_t longest(std::span<const std::vector<std::uint32_t>> texts) {
    std::size_t most = 1;
    for (const auto& text : texts) most = std::max(most, text.size());
    return most;
}

}  // namespace

TextVectors::TextVectors(const model::ModelConfig& config, model::Weights weights,
                         const tensor::Compute& compute, model::Pooling pooling)
    : config_(config), weights_(std::move(weights)), compute_(compute), pooling_(pooling) {}

std::uint64_t TextVectors::reading_bytes(const model::ModelConfig& config, std::size_t tokens) {
    if (!config.causal) return 0;
    return model::kv_cache_bytes(config, model::all_layers(config), tokens, model::KvType::kF32) +
           std::uint64_t{tokens} * (config.dim + config.head_dim()) * sizeof(float);
}

Result<std::vector<std::vector<float>>> TextVectors::embed(
    std::span<const std::vector<std::uint32_t>> texts, bool normalised) const {
    ASSIGN_OR_RETURN(const auto reading, begin({texts.begin(), texts.end()}, normalised));
    while (reading->step()) {
    }
    return reading->take();
}

Result<std::unique_ptr<TextVectors::Reading>> TextVectors::begin(
    std::vector<std::vector<std::uint32_t>> texts, bool normalised) const {
    std::unique_ptr<Reading> reading(new Reading(*this, normalised));
    if (config_.causal) {
        for (const auto& text : texts) RETURN_IF_ERROR(check(text));
        reading->texts_ = std::move(texts);
        return reading;
    }
    const std::size_t room = std::max(kBatch, longest(texts));
    reading->encoder_ = std::make_unique<model::Encoder>(
        config_, weights_, compute_, std::min<std::size_t>(room, config_.context));
    RETURN_IF_ERROR(reading->encoder_->begin(std::move(texts)));
    return reading;
}

Status TextVectors::check(std::span<const std::uint32_t> tokens) const {
    if (tokens.empty()) return invalid("there is no token to read");
    if (tokens.size() > config_.context)
        return invalid(fmt::format("the text has {} tokens, this model takes {}", tokens.size(),
                                   config_.context));
    return model::check_tokens(config_, tokens);
}

bool TextVectors::Reading::step() {
    if (encoder_ != nullptr) return encoder_->step();
    if (!cache_) {
        if (done_.size() == texts_.size()) return false;
        begin_text();
    }
    read_piece();
    return true;
}

void TextVectors::Reading::begin_text() {
    const model::ModelConfig& config = vectors_.config_;
    const std::size_t tokens = texts_[done_.size()].size();
    const model::LayerRange all = model::all_layers(config);
    transformer_ = std::make_unique<model::Transformer>(
        config, vectors_.weights_, all, vectors_.compute_,
        model::TransformerBounds{.max_batch = std::min(tokens, kPiece), .max_positions = tokens});
    cache_.emplace(config, all, tokens);
    states_.resize(tokens * config.dim);
}

void TextVectors::Reading::read_piece() {
    const std::vector<std::uint32_t>& text = texts_[done_.size()];
    const std::size_t dim = vectors_.config_.dim;
    const std::size_t at = cache_->length();
    const std::size_t n = std::min(transformer_->max_batch(), text.size() - at);
    const std::span<float> rows = std::span(states_).subspan(at * dim, n * dim);
    transformer_->embed(std::span(text).subspan(at, n), at, rows);
    transformer_->forward(rows, *cache_);
    transformer_->finish(rows);
    if (at + n < text.size()) return;
    done_.push_back(vectors_.vector_of(states_, normalised_));
    cache_.reset();
}

std::vector<float> TextVectors::vector_of(std::span<const float> states, bool normalised) const {
    std::vector<float> vector = model::pooled(compute_, pooling_, states, config_.dim);
    if (normalised) model::normalise(compute_, vector);
    return vector;
}

std::vector<std::vector<float>> TextVectors::Reading::take() {
    if (encoder_ != nullptr)
        for (const std::vector<float>& states : encoder_->take())
            done_.push_back(vectors_.vector_of(states, normalised_));
    return std::move(done_);
}

}  // namespace cairn::infer
