// parse_llama_config: Hugging Face's config.json to our ModelConfig.
#include <cmath>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "model/safetensors.h"

namespace cairn::model {

using nlohmann::json;

namespace {

Error unsupported(const std::string& what) {
    return Error{ErrorCode::kUnsupported,
                 "config.json: " + what + " is not something this program computes yet"};
}

Result<std::uint32_t> required(const json& object, const char* key) {
    const json value = object.value(key, json());
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 0xFFFFFFFFU)
        return invalid(fmt::format("config.json: {} is missing or not a number", key));
    return value.get<std::uint32_t>();
}

Result<float> number(const json& object, const char* key, double otherwise) {
    const json value = object.value(key, json(otherwise));
    if (!value.is_number()) return invalid(fmt::format("config.json: {} is not a number", key));
    return static_cast<float>(value.get<double>());
}

bool flag(const json& object, const char* key) {
    const json value = object.value(key, json(false));
    return value.is_boolean() && value.get<bool>();
}

bool is_null(const json& object, const char* key) { return object.value(key, json()).is_null(); }

// What a Llama config may ask for that we would compute wrongly.
Status check_supported(const json& object) {
    const json type = object.value("model_type", json("llama"));
    if (type != json("llama")) return unsupported("model_type " + type.dump());
    if (!is_null(object, "rope_scaling")) return unsupported("rope_scaling");
    if (object.value("hidden_act", json("silu")) != json("silu")) return unsupported("hidden_act");
    if (flag(object, "attention_bias") || flag(object, "mlp_bias")) return unsupported("a bias");
    return ok_status();
}

}  // namespace

Result<ModelConfig> parse_llama_config(std::string_view text) {
    const json object = json::parse(text, nullptr, false);
    if (object.is_discarded() || !object.is_object())
        return invalid("config.json is not a JSON object");
    RETURN_IF_ERROR(check_supported(object));
    ModelConfig config;
    ASSIGN_OR_RETURN(config.dim, required(object, "hidden_size"));
    ASSIGN_OR_RETURN(config.hidden_dim, required(object, "intermediate_size"));
    ASSIGN_OR_RETURN(config.layers, required(object, "num_hidden_layers"));
    ASSIGN_OR_RETURN(config.heads, required(object, "num_attention_heads"));
    config.kv_heads = config.heads;
    if (!is_null(object, "num_key_value_heads")) {
        ASSIGN_OR_RETURN(config.kv_heads, required(object, "num_key_value_heads"));
    }
    ASSIGN_OR_RETURN(config.vocab, required(object, "vocab_size"));
    ASSIGN_OR_RETURN(config.context, required(object, "max_position_embeddings"));
    ASSIGN_OR_RETURN(config.rope_theta, number(object, "rope_theta", 10000.0));
    ASSIGN_OR_RETURN(config.norm_eps, number(object, "rms_norm_eps", 1e-6));
    config.tied_head = flag(object, "tie_word_embeddings");
    config.rope_interleaved = false;
    RETURN_IF_ERROR(validate(config));
    if (!is_null(object, "head_dim")) {
        ASSIGN_OR_RETURN(const std::uint32_t head_dim, required(object, "head_dim"));
        if (head_dim != config.head_dim()) return unsupported("head_dim other than dim / heads");
    }
    return config;
}

}  // namespace cairn::model
