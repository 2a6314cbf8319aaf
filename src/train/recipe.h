// Recipe: everything that decides how local training steps go, as plain values. A network
// publishes one for its trainers; consensus never reads it, since a contribution is judged by its
// worth alone. `cairn train` uses the same struct.
#pragma once

#include <cstdint>

#include "base/encoding.h"
#include "model/config.h"

namespace cairn::train {

/// N36 to N43 are the rules of this version.
inline constexpr std::uint32_t kRecipeVersion = 1;

struct Recipe {
    std::uint32_t leaf_tokens = 1024;  ///< G: a power of two
    std::uint32_t context = 128;       ///< T: a power of two that divides G
    std::uint32_t leaves_per_step = 1;

    double peak_rate = 3e-3;
    double floor_ratio = 0.1;          ///< the cosine ends at peak_rate * floor_ratio
    std::uint64_t warmup_steps = 20;   ///< linear, from peak / warmup
    std::uint64_t total_steps = 1000;  ///< 0: no decay, the peak rate after the warm-up

    double beta1 = 0.9;
    double beta2 = 0.99;
    double epsilon = 1e-8;
    double weight_decay = 0.1;  ///< matrices only
    double clip_norm = 1.0;     ///< 0: never clip
    /// Whether AdamW's moments live on from round to round on the trainer's machine.
    bool keep_moments = true;
    /// Plain gradient descent, theta - rate * gradient, instead of AdamW: no moments, no decay.
    bool plain_descent = false;

    std::uint64_t tokens_per_step() const { return std::uint64_t{leaf_tokens} * leaves_per_step; }
    bool operator==(const Recipe&) const = default;
};

Status validate(const Recipe& recipe, const model::ModelConfig& config);

/// Canonical bytes (doubles by their bits); decode refuses NaN, infinities and other versions.
void encode(const Recipe& recipe, Writer& writer);
Result<Recipe> decode_recipe(Reader& reader);

}  // namespace cairn::train
