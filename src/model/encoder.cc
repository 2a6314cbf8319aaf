#include "model/encoder.h"

#include <algorithm>

#include <fmt/core.h>

#include "model/embed.h"

namespace cairn::model {

namespace {

std::size_t room(const ModelConfig& config, std::size_t max_tokens) {
    return max_tokens == 0 ? config.context : max_tokens;
}

}  // namespace

Encoder::Encoder(const ModelConfig& config, Weights weights, const tensor::Compute& compute,
                 std::size_t max_tokens)
    : transformer_(
          config, std::move(weights), all_layers(config), compute,
          {.max_batch = room(config, max_tokens),
           .max_positions = std::min<std::size_t>(room(config, max_tokens), config.context)}) {
    CHECK(!config.causal);
}

Status Encoder::check(std::span<const std::uint32_t> tokens) const {
    if (tokens.empty()) return invalid("there is no token to encode");
    if (tokens.size() > transformer_.max_positions())
        return invalid(fmt::format("the text has {} tokens, this encoder takes {}", tokens.size(),
                                   transformer_.max_positions()));
    return check_tokens(config(), tokens);
}

Result<std::vector<float>> Encoder::encode(std::span<const std::uint32_t> tokens,
                                           tensor::StateType states) {
    RETURN_IF_ERROR(check(tokens));
    std::vector<float> hidden(tokens.size() * config().dim);
    transformer_.embed(tokens, 0, hidden);
    const Segment whole{nullptr, tokens.size(), states};
    transformer_.forward_segments(hidden, std::span(&whole, 1));
    transformer_.finish(hidden);
    tensor::round_states(states, config().dim, hidden);
    return hidden;
}

Result<std::vector<std::vector<float>>> Encoder::encode(
    std::span<const std::vector<std::uint32_t>> texts) {
    RETURN_IF_ERROR(begin({texts.begin(), texts.end()}));
    while (step()) {
    }
    return take();
}

Status Encoder::begin(std::vector<std::vector<std::uint32_t>> texts) {
    for (const auto& text : texts) RETURN_IF_ERROR(check(text));
    texts_ = std::move(texts);
    done_.clear();
    segments_.clear();
    return ok_status();
}

// As many whole texts as fit.
void Encoder::gather() {
    const std::size_t dim = config().dim;
    std::size_t rows = 0;
    for (std::size_t i = done_.size(); i < texts_.size(); ++i) {
        const std::vector<std::uint32_t>& text = texts_[i];
        if (rows + text.size() > max_tokens()) break;
        states_.resize((rows + text.size()) * dim);
        transformer_.embed(text, 0, std::span(states_).subspan(rows * dim));
        segments_.push_back({nullptr, text.size()});
        rows += text.size();
    }
    layer_ = 0;
}

void Encoder::scatter() {
    transformer_.finish(states_);
    auto from = states_.begin();
    for (const Segment& segment : segments_) {
        const auto to = from + static_cast<std::ptrdiff_t>(segment.tokens * config().dim);
        done_.emplace_back(from, to);
        from = to;
    }
    segments_.clear();
    states_.clear();
}

bool Encoder::step() {
    if (segments_.empty()) {
        if (done_.size() == texts_.size()) return false;
        gather();
    }
    transformer_.forward_layers(states_, segments_, {layer_, layer_ + 1});
    if (++layer_ == config().layers) scatter();
    return true;
}

}  // namespace cairn::model
