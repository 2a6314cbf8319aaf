#include "cli/models/config_json.h"

#include <nlohmann/json.hpp>

namespace cairn::cli {

namespace {

const char* positions_name(model::PositionKind kind) {
    switch (kind) {
        case model::PositionKind::kRotary:
            return "rotary";
        case model::PositionKind::kLearned:
            return "learned";
        case model::PositionKind::kSinusoidal:
            return "sinusoidal";
    }
    return "unknown";
}

const char* feed_forward_name(model::FeedForward kind) {
    switch (kind) {
        case model::FeedForward::kSwiglu:
            return "swiglu";
        case model::FeedForward::kGelu:
            return "gelu";
        case model::FeedForward::kGeluTanh:
            return "gelu_tanh";
        case model::FeedForward::kRelu:
            return "relu";
        case model::FeedForward::kGeglu:
            return "geglu";
    }
    return "unknown";
}

}  // namespace

nlohmann::json config_json(const model::ModelConfig& config) {
    return {{"dim", config.dim},
            {"hidden_dim", config.hidden_dim},
            {"layers", config.layers},
            {"heads", config.heads},
            {"kv_heads", config.kv_heads},
            {"head_dim", config.head_dim()},
            {"vocab", config.vocab},
            {"context", config.context},
            {"rope_theta", config.rope_theta},
            {"norm_eps", config.norm_eps},
            {"tied_head", config.tied_head},
            {"rope_interleaved", config.rope_interleaved},
            {"norm", config.norm == model::NormKind::kRms ? "rms" : "layer"},
            {"positions", positions_name(config.positions)},
            {"feed_forward", feed_forward_name(config.feed_forward)},
            {"window", config.window},
            {"window_period", config.window_period},
            {"local_rope_theta", config.local_rope_theta},
            {"ranks", config.ranks},
            {"per_head", config.per_head},
            {"cross_context", config.cross_context},
            {"head_bias", config.head_bias},
            {"description", model::describe(config)}};
}

}  // namespace cairn::cli
