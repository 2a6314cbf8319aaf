// The next token from logits. Sampling has fixed bits, too: thresholds are integers and random
// numbers are Philox of (seed, position), so that any server continues a sentence the same way.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "tensor/compute.h"

namespace cairn::tensor {

struct SampleSettings {
    float temperature = 0.0F;         ///< 0: the most probable token, always
    std::uint32_t top_k = 0;          ///< 0: all
    float top_p = 1.0F;               ///< 1: all
    float min_p = 0.0F;               ///< share of the best token's probability; 0: all
    float repetition_penalty = 1.0F;  ///< z > 0 ? z / r : z * r for tokens of the text
    float presence_penalty = 0.0F;    ///< subtracted from tokens that were sampled
    float frequency_penalty = 0.0F;   ///< times how often they were, subtracted
    std::uint64_t seed = 0;
};

/// Index of the largest value; the lowest index among equals. CHECKs that there is one.
std::uint32_t argmax(std::span<const float> values);

/// The token for `position`. `history`: the ids that penalties look at, may be empty; the first
/// `prompt` of them were given, not sampled. Refuses logits with NaN or infinities and settings
/// outside their ranges (kInvalid).
Result<std::uint32_t> sample(const Compute& compute, std::span<const float> logits,
                             std::span<const std::uint32_t> history, const SampleSettings& settings,
                             std::uint64_t position, std::size_t prompt = 0);

}  // namespace cairn::tensor
