#include "model/encoder.h"

#include <algorithm>

#include <fmt/core.h>

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
    for (const std::uint32_t token : tokens)
        if (token >= config().vocab)
            return invalid(fmt::format("token {} is outside the model's vocabulary of {}", token,
                                       config().vocab));
    return ok_status();
}

Result<std::vector<float>> Encoder::encode(std::span<const std::uint32_t> tokens) {
    RETURN_IF_ERROR(check(tokens));
    std::vector<float> states(tokens.size() * config().dim);
    transformer_.embed(tokens, 0, states);
    const Segment whole{nullptr, tokens.size()};
    transformer_.forward_segments(states, std::span(&whole, 1));
    transformer_.finish(states);
    return states;
}

Result<std::vector<std::vector<float>>> Encoder::encode(
    std::span<const std::vector<std::uint32_t>> texts) {
    for (const auto& text : texts) RETURN_IF_ERROR(check(text));
    const std::size_t dim = config().dim;
    std::vector<std::vector<float>> all;
    std::vector<Segment> segments;
    std::vector<float> states;
    for (std::size_t next = 0; next < texts.size();) {
        // As many whole texts as fit.
        segments.clear();
        std::size_t rows = 0;
        std::size_t end = next;
        for (; end < texts.size() && rows + texts[end].size() <= max_tokens(); ++end) {
            segments.push_back({nullptr, texts[end].size()});
            rows += texts[end].size();
        }
        states.resize(rows * dim);
        std::size_t row = 0;
        for (std::size_t i = next; i < end; row += texts[i].size(), ++i)
            transformer_.embed(texts[i], 0,
                               std::span(states).subspan(row * dim, texts[i].size() * dim));
        transformer_.forward_segments(states, segments);
        transformer_.finish(states);
        auto from = states.begin();
        for (; next < end; ++next) {
            const auto to = from + static_cast<std::ptrdiff_t>(texts[next].size() * dim);
            all.emplace_back(from, to);
            from = to;
        }
    }
    return all;
}

}  // namespace cairn::model
