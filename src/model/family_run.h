// For tests: what a family computes for fixed tokens.
#pragma once

#include "model/test_families.h"
#include "model/transformer.h"

namespace cairn::model {

inline constexpr std::size_t kTokens = 140;  // more than two blocks of keys

/// Hidden states (after the final norm) and, where there is a head, logits of every position; the
/// tokens are fed in pieces of the given sizes, the last of which repeats.
inline std::vector<float> run(const Model& model, const tensor::Compute& compute,
                              std::span<const std::size_t> pieces, KvType type = KvType::kF32) {
    const ModelConfig& c = model.config;
    Transformer transformer(c, model.weights, all_layers(c), compute,
                            {.max_batch = kTokens, .max_positions = kTokens});
    const auto tokens = random_tokens(kTokens, c.vocab, 3);
    std::vector<float> states(kTokens * c.dim);
    std::vector<float> logits(c.has_head() ? kTokens * c.vocab : 0);
    if (!c.causal) {
        transformer.embed(tokens, 0, states);
        const Segment whole{nullptr, kTokens};
        transformer.forward_segments(states, std::span(&whole, 1));
        transformer.finish(states);
        return states;
    }
    KvCache cache(c, all_layers(c), kTokens, type);
    std::size_t at = 0;
    for (std::size_t i = 0; at < kTokens; ++i) {
        const std::size_t n = std::min(pieces[std::min(i, pieces.size() - 1)], kTokens - at);
        const std::span<float> rows = std::span(states).subspan(at * c.dim, n * c.dim);
        transformer.embed(std::span(tokens).subspan(at, n), at, rows);
        transformer.forward(rows, cache);
        transformer.head(rows, std::span(logits).subspan(at * c.vocab, n * c.vocab));
        at += n;
    }
    transformer.finish(states);
    states.insert(states.end(), logits.begin(), logits.end());
    return states;
}

inline std::vector<float> whole(const Model& model, const tensor::Compute& compute,
                                KvType type = KvType::kF32) {
    const std::size_t all = kTokens;
    return run(model, compute, std::span(&all, 1), type);
}

}  // namespace cairn::model
