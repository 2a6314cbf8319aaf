#include "infer/drafter.h"

#include <algorithm>

namespace cairn::infer {

std::vector<std::uint32_t> RepeatDrafter::draft(std::span<const std::uint32_t> text,
                                                std::size_t most) {
    for (std::size_t n = kLongest; n >= kShortest; --n) {
        if (text.size() <= n) continue;
        const auto last = text.last(n);
        // The latest place counts most: what was said a moment ago is said again.
        for (std::size_t at = text.size() - n; at-- > 0;) {
            if (!std::ranges::equal(text.subspan(at, n), last)) continue;
            const auto after = text.subspan(at + n);
            const auto guesses = after.first(std::min(most, after.size()));
            return {guesses.begin(), guesses.end()};
        }
    }
    return {};
}

DraftModel::DraftModel(const model::ModelConfig& config, const model::Weights& weights,
                       const tensor::Compute& compute, std::size_t positions)
    : transformer_(config, weights, model::all_layers(config), compute,
                   {.max_positions = std::min<std::size_t>(positions, config.context)}),
      compute_(compute),
      hidden_(transformer_.max_batch() * config.dim),
      logits_(config.vocab) {
    CHECK(config.has_head());
}

ModelDrafter::ModelDrafter(DraftModel& model, const tensor::SampleSettings& sampling,
                           std::size_t positions)
    : model_(model),
      sampling_(sampling),
      cache_(model.config(), model::all_layers(model.config()),
             std::min(positions, model.max_positions())) {}

std::span<const float> ModelDrafter::read() {
    model::Transformer& transformer = model_.transformer_;
    const std::size_t dim = model_.config().dim;
    std::size_t rows = 0;
    while (cache_.length() < known_.size()) {
        const std::size_t at = cache_.length();
        rows = std::min(transformer.max_batch(), known_.size() - at);
        const auto hidden = std::span(model_.hidden_).first(rows * dim);
        transformer.embed(std::span(known_).subspan(at, rows), at, hidden);
        transformer.forward(hidden, cache_);
    }
    transformer.head(std::span(model_.hidden_).subspan((rows - 1) * dim, dim), model_.logits_);
    return model_.logits_;
}

std::vector<std::uint32_t> ModelDrafter::draft(std::span<const std::uint32_t> text,
                                               std::size_t most) {
    std::vector<std::uint32_t> guesses;
    const std::uint32_t vocab = model_.config().vocab;
    if (most == 0 || text.empty() || text.size() > cache_.capacity() ||
        std::ranges::any_of(text, [vocab](std::uint32_t token) { return token >= vocab; }))
        return guesses;
    // Guesses that came true are read already. The last token is read again for its logits.
    const auto [end, unused] = std::ranges::mismatch(known_, text);
    const auto same = static_cast<std::size_t>(end - known_.begin());
    cache_.truncate(std::min({cache_.length(), same, text.size() - 1}));
    known_.assign(text.begin(), text.end());
    while (true) {
        const auto logits = read();
        // Penalties see the prompt as sampled: a worse guess now and then.
        const auto token =
            tensor::sample(model_.compute_, logits, known_, sampling_, known_.size() - 1);
        if (!token.ok()) return guesses;  // logits that are not finite: no guess
        guesses.push_back(*token);
        if (guesses.size() == most || known_.size() == cache_.capacity()) return guesses;
        known_.push_back(*token);
    }
}

}  // namespace cairn::infer
