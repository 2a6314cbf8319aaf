// What an encoder-decoder learns from: pairs of texts as tokens, which of them a step draws, and
// their mean gradient (N51).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "model/pair_pass.h"
#include "train/lessons.h"

namespace cairn::train {

/// Pairs of texts as tokens.
struct PairSet {
    struct Pair {
        std::vector<std::uint32_t> source, target;  ///< as in model::PairText
    };
    std::vector<Pair> pairs;
    std::size_t given = 1;  ///< tokens that begin every target and are not learnt

    model::PairText text(std::size_t i) const { return {pairs[i].source, pairs[i].target}; }
    /// The longest on either side, in rows.
    model::PairBounds longest() const;
    /// Tokens that are computed where each pair is taken once: of both sides.
    std::uint64_t tokens() const;
};

/// kInvalid unless there are pairs, which the model and leaves of `leaf_tokens` rows on either side
/// take.
Status check_pairs(const PairSet& pairs, const model::EncoderDecoderLayout& layout,
                   std::uint32_t leaf_tokens);

/// Of an encoder-decoder: as validate(recipe, config), but that a text may be shorter than its
/// context.
Status validate(const Recipe& recipe, const model::EncoderDecoderLayout& layout);

/// N51's draws of `pairs`, which must outlive it. CHECKs the recipe and the pairs.
std::unique_ptr<Lessons> pair_lessons(const model::EncoderDecoderLayout& layout,
                                      const Recipe& recipe, const PairSet& pairs,
                                      const tensor::Compute& compute);

/// The sum of the integer losses of all pairs, computed in leaves of at most pass.bounds() rows on
/// either side; nothing if `stop`, asked between two of them, says so. CHECKs that each pair fits.
std::optional<std::int64_t> pair_loss(model::PairPass& pass,
                                      const model::EncoderDecoderWeights& weights,
                                      const PairSet& pairs, const std::function<bool()>& stop = {});

}  // namespace cairn::train
