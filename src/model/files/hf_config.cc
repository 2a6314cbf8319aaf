#include "model/files/hf_config.h"

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "model/rope_scale.h"

namespace cairn::model {

using nlohmann::json;

namespace {

Error unsupported(const std::string& what) {
    return Error{ErrorCode::kUnsupported,
                 "config.json: " + what + " is not something that this program computes"};
}

bool is_null(const json& object, const char* key) { return object.value(key, json()).is_null(); }

Result<std::uint32_t> required(const json& object, const char* key) {
    const json value = object.value(key, json());
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 0xFFFFFFFFU)
        return invalid(fmt::format("config.json: {} is missing or not a number", key));
    return value.get<std::uint32_t>();
}

Result<std::uint32_t> number(const json& object, const char* key, std::uint32_t otherwise) {
    if (is_null(object, key)) return otherwise;
    // rope_scaling has some whole numbers with a point.
    const json value = object.value(key, json());
    if (value.is_number_float()) {
        const double real = value.get<double>();
        if (real >= 0 && real < 4294967296.0 &&
            static_cast<double>(static_cast<std::uint32_t>(real)) == real)
            return static_cast<std::uint32_t>(real);
    }
    return required(object, key);
}

Result<float> real(const json& object, const char* key, double otherwise) {
    if (is_null(object, key)) return static_cast<float>(otherwise);
    const json value = object.value(key, json());
    if (!value.is_number()) return invalid(fmt::format("config.json: {} is not a number", key));
    return static_cast<float>(value.get<double>());
}

bool flag(const json& object, const char* key, bool otherwise = false) {
    const json value = object.value(key, json(otherwise));
    return value.is_boolean() ? value.get<bool>() : otherwise;
}

Result<FeedForward> activation(const json& object, const char* key, const char* otherwise) {
    const json value = object.value(key, json(otherwise));
    for (const char* name : {"gelu_new", "gelu_pytorch_tanh", "gelu_fast"})
        if (value == json(name)) return FeedForward::kGeluTanh;
    if (value == json("gelu")) return FeedForward::kGelu;
    if (value == json("relu")) return FeedForward::kRelu;
    if (value == json("silu") || value == json("swish")) return FeedForward::kSwiglu;
    return unsupported(fmt::format("{} {}", key, value.dump()));
}

Result<RopeScale> parse_scaling(const json& scaling, std::uint32_t context) {
    if (!scaling.is_object()) return invalid("config.json: rope_scaling is not an object");
    const json type = scaling.value("rope_type", scaling.value("type", json("default")));
    if (type == json("default")) return RopeScale{};
    ASSIGN_OR_RETURN(const float factor, real(scaling, "factor", 0.0));
    if (type == json("linear")) return linear_rope_scale(factor);
    ASSIGN_OR_RETURN(const std::uint32_t original,
                     number(scaling, "original_max_position_embeddings", context));
    if (type == json("llama3")) {
        ASSIGN_OR_RETURN(const float low, real(scaling, "low_freq_factor", 1.0));
        ASSIGN_OR_RETURN(const float high, real(scaling, "high_freq_factor", 4.0));
        return llama3_rope_scale(factor, low, high, original);
    }
    if (type != json("yarn")) return unsupported("rope_scaling " + type.dump());
    if (!is_null(scaling, "mscale") || !is_null(scaling, "mscale_all_dim") ||
        !flag(scaling, "truncate", true))
        return unsupported("yarn with mscale or without truncate");
    ASSIGN_OR_RETURN(const float fast, real(scaling, "beta_fast", 32.0));
    ASSIGN_OR_RETURN(const float slow, real(scaling, "beta_slow", 1.0));
    ASSIGN_OR_RETURN(const float attention, real(scaling, "attention_factor", 0.0));
    return yarn_rope_scale(factor, original, fast, slow, attention);
}

Status parse_rope(const json& object, ModelConfig& config) {
    config.rope_interleaved = false;
    const bool newest = !is_null(object, "rope_parameters");
    const json rope = object.value(newest ? "rope_parameters" : "rope_scaling", json());
    const bool inside = newest && rope.is_object() && !is_null(rope, "rope_theta");
    ASSIGN_OR_RETURN(config.rope_theta, real(inside ? rope : object, "rope_theta", 10000.0));
    if (rope.is_null()) return ok_status();
    ASSIGN_OR_RETURN(config.rope_scale, parse_scaling(rope, config.context));
    ASSIGN_OR_RETURN(const float partial, real(rope, "partial_rotary_factor", 1.0));
    if (partial != 1.0F) return unsupported("partial_rotary_factor");
    return ok_status();
}

// Attention within a window is full attention as long as the text fits the window.
Status clamp_window(const json& object, HfFamily family, ModelConfig& config) {
    const bool used = family == HfFamily::kMistral || flag(object, "use_sliding_window");
    if (!used || is_null(object, "sliding_window")) return ok_status();
    ASSIGN_OR_RETURN(const std::uint32_t window, required(object, "sliding_window"));
    if (window > 0) config.context = std::min(config.context, window);
    return ok_status();
}

Status parse_llama(const json& object, HfFamily family, ModelConfig& config) {
    ASSIGN_OR_RETURN(config.dim, required(object, "hidden_size"));
    ASSIGN_OR_RETURN(config.hidden_dim, required(object, "intermediate_size"));
    ASSIGN_OR_RETURN(config.layers, required(object, "num_hidden_layers"));
    ASSIGN_OR_RETURN(config.heads, required(object, "num_attention_heads"));
    ASSIGN_OR_RETURN(config.kv_heads, number(object, "num_key_value_heads", config.heads));
    ASSIGN_OR_RETURN(config.vocab, required(object, "vocab_size"));
    ASSIGN_OR_RETURN(config.context, required(object, "max_position_embeddings"));
    ASSIGN_OR_RETURN(config.norm_eps, real(object, "rms_norm_eps", 1e-6));
    config.tied_head = flag(object, "tie_word_embeddings");
    if (config.heads == 0) return invalid("config.json: num_attention_heads is 0");
    ASSIGN_OR_RETURN(const std::uint32_t head,
                     number(object, "head_dim", config.dim / config.heads));
    if (std::uint64_t{head} * config.heads != config.dim) config.wide_head = head;
    RETURN_IF_ERROR(parse_rope(object, config));
    RETURN_IF_ERROR(clamp_window(object, family, config));
    ASSIGN_OR_RETURN(config.feed_forward, activation(object, "hidden_act", "silu"));
    if (config.feed_forward != FeedForward::kSwiglu)
        return unsupported("hidden_act " + object.value("hidden_act", json()).dump());
    ASSIGN_OR_RETURN(const float partial, real(object, "partial_rotary_factor", 1.0));
    if (partial != 1.0F) return unsupported("partial_rotary_factor");
    const bool biases = flag(object, "attention_bias");
    config.qkv_bias = biases || family == HfFamily::kQwen2;
    config.out_bias = biases && family != HfFamily::kQwen2;
    config.ffn_bias = flag(object, "mlp_bias");
    config.qk_norm = family == HfFamily::kQwen3;
    return ok_status();
}

Status parse_gpt2(const json& object, ModelConfig& config) {
    ASSIGN_OR_RETURN(config.dim, required(object, "n_embd"));
    ASSIGN_OR_RETURN(config.layers, required(object, "n_layer"));
    ASSIGN_OR_RETURN(config.heads, required(object, "n_head"));
    if (config.dim > kMaxDim) return invalid("config.json: n_embd is too large");
    ASSIGN_OR_RETURN(config.hidden_dim, number(object, "n_inner", 4 * config.dim));
    ASSIGN_OR_RETURN(config.vocab, required(object, "vocab_size"));
    ASSIGN_OR_RETURN(const std::uint32_t old_context, number(object, "n_ctx", 0));
    ASSIGN_OR_RETURN(config.context, number(object, "n_positions", old_context));
    ASSIGN_OR_RETURN(config.norm_eps, real(object, "layer_norm_epsilon", 1e-5));
    ASSIGN_OR_RETURN(config.feed_forward, activation(object, "activation_function", "gelu_new"));
    if (config.feed_forward == FeedForward::kSwiglu) return unsupported("activation_function");
    if (!flag(object, "scale_attn_weights", true) ||
        flag(object, "scale_attn_by_inverse_layer_idx") || flag(object, "add_cross_attention"))
        return unsupported("another scale of attention, or cross attention,");
    config.kv_heads = config.heads;
    config.tied_head = flag(object, "tie_word_embeddings", true);
    config.norm = NormKind::kLayer;
    config.positions = PositionKind::kLearned;
    config.qkv_bias = config.out_bias = config.ffn_bias = true;
    return ok_status();
}

Status parse_bert(const json& object, ModelConfig& config) {
    ASSIGN_OR_RETURN(config.dim, required(object, "hidden_size"));
    ASSIGN_OR_RETURN(config.hidden_dim, required(object, "intermediate_size"));
    ASSIGN_OR_RETURN(config.layers, required(object, "num_hidden_layers"));
    ASSIGN_OR_RETURN(config.heads, required(object, "num_attention_heads"));
    ASSIGN_OR_RETURN(config.vocab, required(object, "vocab_size"));
    ASSIGN_OR_RETURN(config.context, required(object, "max_position_embeddings"));
    ASSIGN_OR_RETURN(config.token_types, number(object, "type_vocab_size", 2));
    ASSIGN_OR_RETURN(config.norm_eps, real(object, "layer_norm_eps", 1e-12));
    ASSIGN_OR_RETURN(config.feed_forward, activation(object, "hidden_act", "gelu"));
    if (config.feed_forward == FeedForward::kSwiglu) return unsupported("hidden_act");
    if (object.value("position_embedding_type", json("absolute")) != json("absolute"))
        return unsupported("position_embedding_type");
    if (flag(object, "is_decoder")) return unsupported("is_decoder");
    config.kv_heads = config.heads;
    config.tied_head = true;
    config.norm = NormKind::kLayer;
    config.norm_place = NormPlace::kAfter;
    config.positions = PositionKind::kLearned;
    config.causal = false;
    config.embedding_norm = true;
    config.qkv_bias = config.out_bias = config.ffn_bias = true;
    return ok_status();
}

}  // namespace

Result<HfConfig> parse_hf_config(std::string_view text) {
    const json object = json::parse(text, nullptr, false);
    if (object.is_discarded() || !object.is_object())
        return invalid("config.json is not a JSON object");
    const json type = object.value("model_type", json("llama"));
    const auto family = type.is_string() ? hf_family_named(type.get<std::string>()) : std::nullopt;
    if (!family) return unsupported("model_type " + type.dump());
    if (!is_null(object, "quantization_config"))
        return unsupported("quantization_config (get the model unquantised, or as GGUF); it");
    HfConfig result{*family, {}};
    if (*family == HfFamily::kGpt2)
        RETURN_IF_ERROR(parse_gpt2(object, result.config));
    else if (*family == HfFamily::kBert)
        RETURN_IF_ERROR(parse_bert(object, result.config));
    else
        RETURN_IF_ERROR(parse_llama(object, *family, result.config));
    RETURN_IF_ERROR(validate(result.config));
    return result;
}

}  // namespace cairn::model
