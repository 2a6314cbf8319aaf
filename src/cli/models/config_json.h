// A model's shape as JSON, for every command that reports one.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "model/config.h"

namespace cairn::cli {

/// dim, hidden_dim, layers, heads, kv_heads, head_dim, vocab, context, rope_theta, norm_eps,
/// tied_head, rope_interleaved, norm ("rms", "layer"), positions ("rotary", "learned",
/// "sinusoidal"), feed_forward ("swiglu", "gelu", "gelu_tanh", "relu"), description.
nlohmann::json config_json(const model::ModelConfig& config);

}  // namespace cairn::cli
