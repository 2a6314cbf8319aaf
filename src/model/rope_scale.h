// RoPE scaling as other programs' files state it, turned into our canonical RopeScale: defaults
// filled in, fields that a kind does not use zero.
#pragma once

#include <span>
#include <vector>

#include "model/config.h"
#include "tensor/rope.h"

namespace cairn::model {

RopeScale linear_rope_scale(float factor);
RopeScale llama3_rope_scale(float factor, float low_freq_factor, float high_freq_factor,
                            std::uint32_t original_context);
/// attention_factor 0: by the paper's formula, 0.1 ln(factor) + 1.
RopeScale yarn_rope_scale(float factor, std::uint32_t original_context, float beta_fast = 32.0F,
                          float beta_slow = 1.0F, float attention_factor = 0.0F);

/// The same for the formulas.
tensor::RopeScaling formula_of(const RopeScale& scale);

/// What each of head_dim / 2 frequencies is divided by: how GGUF states Llama 3's scaling.
std::vector<float> rope_factors(const ModelConfig& config);

/// The Llama 3 scaling that has these divisors, among those in use (low 1, high 4, original context
/// 8192); kUnsupported if there is none.
Result<RopeScale> rope_scale_of_factors(const ModelConfig& config, std::span<const float> factors);

}  // namespace cairn::model
