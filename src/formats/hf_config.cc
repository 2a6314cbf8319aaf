#include "formats/hf_config.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "formats/strict_json.h"
#include "model/rope_scale.h"

namespace cairn::formats {

using nlohmann::json;

namespace {

constexpr double kMinRopeFactor = 1e-3;
constexpr double kMaxRopeFactor = 1e4;

// What transformers takes where config.json is silent.
constexpr std::uint32_t kUsualWindow = 4096;
constexpr std::uint32_t kQwen3Head = 128;
constexpr std::uint32_t kGemmaHead = 256;
constexpr std::uint32_t kGemmaPeriod = 6;

std::uint32_t usual_kv_heads(HfFamily family, std::uint32_t heads) {
    return family == HfFamily::kMistral  ? 8
           : family == HfFamily::kGemma3 ? 4
           : family == HfFamily::kLlama  ? heads
                                         : 32;
}

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
    // Some files write whole numbers in rope_scaling with a decimal point.
    const json value = object.value(key, json());
    if (value.is_number_float()) {
        const double real = value.get<double>();
        if (real >= 0 && real < 4294967296.0 &&
            static_cast<double>(static_cast<std::uint32_t>(real)) == real)
            return static_cast<std::uint32_t>(real);
    }
    return required(object, key);
}

// From 1 to `high`.
Result<std::uint32_t> count(const json& object, const char* key, std::uint32_t high) {
    ASSIGN_OR_RETURN(const std::uint32_t value, required(object, key));
    if (value >= 1 && value <= high) return value;
    return invalid(fmt::format("config.json: {} is {}, must be 1 to {}", key, value, high));
}

// From `low` to `high`.
Result<float> real(const json& object, const char* key, double otherwise, double low, double high) {
    if (is_null(object, key)) return static_cast<float>(otherwise);
    const json value = object.value(key, json());
    if (!value.is_number()) return invalid(fmt::format("config.json: {} is not a number", key));
    const auto real = value.get<double>();
    if (real >= low && real <= high) return static_cast<float>(real);
    return invalid(fmt::format("config.json: {} is {}, must be {} to {}", key, real, low, high));
}

Result<float> norm_eps(const json& object, const char* key, double otherwise) {
    return real(object, key, otherwise, double{model::kMinEps}, double{model::kMaxEps});
}

// A key that is absent has its family's default; null has another meaning.
Result<std::uint32_t> number_unless_absent(const json& object, const char* key,
                                           std::uint32_t if_absent, std::uint32_t if_null) {
    if (!object.contains(key)) return if_absent;
    return number(object, key, if_null);
}

/// Keys that are true or false. transformers takes for true what Python does, 1 and "no" too.
constexpr std::array kFlags = {"add_bias_logits",
                               "add_cross_attention",
                               "add_final_layer_norm",
                               "attention_bias",
                               "force_bos_token_to_be_generated",
                               "is_decoder",
                               "is_encoder_decoder",
                               "mlp_bias",
                               "normalize_before",
                               "normalize_embedding",
                               "per_head",
                               "scale_attn_by_inverse_layer_idx",
                               "scale_attn_weights",
                               "scale_embedding",
                               "static_position_embeddings",
                               "tie_word_embeddings",
                               "truncate",
                               "use_bidirectional_attention",
                               "use_sliding_window"};

Status check_flags(const json& object) {
    for (const char* key : kFlags)
        if (!is_null(object, key) && !object.value(key, json()).is_boolean())
            return invalid(fmt::format("config.json: {} is neither true nor false", key));
    return ok_status();
}

bool flag(const json& object, const char* key, bool otherwise = false) {
    CHECK(std::ranges::find(kFlags, std::string_view(key)) != kFlags.end());
    const json value = object.value(key, json(otherwise));
    return value.is_boolean() ? value.get<bool>() : otherwise;
}

Result<model::FeedForward> activation(const json& object, const char* key, const char* otherwise) {
    const json value = object.value(key, json(otherwise));
    for (const char* name : {"gelu_new", "gelu_pytorch_tanh", "gelu_fast"})
        if (value == json(name)) return model::FeedForward::kGeluTanh;
    if (value == json("gelu")) return model::FeedForward::kGelu;
    if (value == json("relu")) return model::FeedForward::kRelu;
    if (value == json("silu") || value == json("swish")) return model::FeedForward::kSwiglu;
    return unsupported(fmt::format("{} {}", key, value.dump()));
}

Result<model::RopeScale> parse_scaling(const json& scaling, std::uint32_t context) {
    if (!scaling.is_object()) return invalid("config.json: rope_scaling is not an object");
    RETURN_IF_ERROR(check_flags(scaling));
    const json type = scaling.value("rope_type", scaling.value("type", json("default")));
    if (scaling.value("type", type) != type)
        return invalid(
            fmt::format("config.json: rope_type is {} and type {}; which one counts "
                        "differs between versions of transformers",
                        type.dump(), scaling["type"].dump()));
    if (type == json("default")) return model::RopeScale{};
    if (type != json("linear") && type != json("llama3") && type != json("yarn"))
        return unsupported("rope_scaling " + type.dump());
    if (is_null(scaling, "factor")) return invalid("config.json: rope_scaling has no factor");
    ASSIGN_OR_RETURN(const float factor, real(scaling, "factor", 0.0, 1.0, kMaxRopeFactor));
    if (type == json("linear")) return model::linear_rope_scale(factor);
    ASSIGN_OR_RETURN(const std::uint32_t original,
                     number(scaling, "original_max_position_embeddings", context));
    if (type == json("llama3")) {
        ASSIGN_OR_RETURN(const float low,
                         real(scaling, "low_freq_factor", 1.0, kMinRopeFactor, kMaxRopeFactor));
        ASSIGN_OR_RETURN(const float high,
                         real(scaling, "high_freq_factor", 4.0, kMinRopeFactor, kMaxRopeFactor));
        return model::llama3_rope_scale(factor, low, high, original);
    }
    if (!is_null(scaling, "mscale") || !is_null(scaling, "mscale_all_dim") ||
        !flag(scaling, "truncate", true))
        return unsupported("yarn with mscale or without truncate");
    ASSIGN_OR_RETURN(const float fast,
                     real(scaling, "beta_fast", 32.0, kMinRopeFactor, kMaxRopeFactor));
    ASSIGN_OR_RETURN(const float slow,
                     real(scaling, "beta_slow", 1.0, kMinRopeFactor, kMaxRopeFactor));
    ASSIGN_OR_RETURN(const float attention,
                     real(scaling, "attention_factor", 0.0, kMinRopeFactor, 1e3));
    return model::yarn_rope_scale(factor, original, fast, slow, attention);
}

Status parse_rope(const json& object, model::ModelConfig& config) {
    config.rope_interleaved = false;
    // Where both are there, transformers takes the old one.
    const bool old = !is_null(object, "rope_scaling");
    const json rope = object.value(old ? "rope_scaling" : "rope_parameters", json());
    const bool inside = rope.is_object() && !is_null(rope, "rope_theta");
    const auto theta = [](const json& from) {
        return real(from, "rope_theta", 10000.0, 1.0, double{model::kMaxRopeTheta});
    };
    ASSIGN_OR_RETURN(config.rope_theta, theta(inside ? rope : object));
    if (inside && !is_null(object, "rope_theta")) {
        ASSIGN_OR_RETURN(const float outside, theta(object));
        if (outside != config.rope_theta)
            return invalid(fmt::format(
                "config.json: rope_theta is {} and, inside {}, {}; which one counts differs "
                "between versions of transformers",
                outside, old ? "rope_scaling" : "rope_parameters", config.rope_theta));
    }
    if (rope.is_null()) return ok_status();
    ASSIGN_OR_RETURN(config.rope_scale, parse_scaling(rope, config.context));
    ASSIGN_OR_RETURN(const float partial, real(rope, "partial_rotary_factor", 1.0, 0.0, 1.0));
    if (partial != 1.0F) return unsupported("partial_rotary_factor");
    return ok_status();
}

// Attention within a window is full attention as long as the text fits the window.
Status clamp_window(const json& object, HfFamily family, model::ModelConfig& config) {
    if (family != HfFamily::kMistral && !flag(object, "use_sliding_window")) return ok_status();
    ASSIGN_OR_RETURN(const std::uint32_t window,
                     number_unless_absent(object, "sliding_window",
                                          family == HfFamily::kLlama ? 0 : kUsualWindow, 0));
    if (window > 0) config.context = std::min(config.context, window);
    return ok_status();
}

// How often a layer is not local, by the list of all layers' kinds or by the number.
Status parse_layer_types(const json& object, model::ModelConfig& config) {
    const char* key = is_null(object, "sliding_window_pattern") ? "_sliding_window_pattern"
                                                                : "sliding_window_pattern";
    ASSIGN_OR_RETURN(config.window_period, number(object, key, kGemmaPeriod));
    const json types = object.value("layer_types", json());
    if (types.is_null()) return ok_status();
    if (!types.is_array() || types.size() != config.layers)
        return invalid("config.json: layer_types is not a list of all layers");
    const auto first = std::find(types.begin(), types.end(), json("full_attention"));
    if (first == types.begin()) {
        config.window = 0;
    } else {
        config.window_period = static_cast<std::uint32_t>(first - types.begin()) + 1;
    }
    for (std::uint32_t layer = 0; layer < config.layers; ++layer)
        if (types[layer] != json(config.is_local(layer) ? "sliding_attention" : "full_attention"))
            return unsupported("layer_types in another order than every so many layers");
    return ok_status();
}

// theta and scaling of both kinds of layers: side by side, or, since transformers 5, inside.
Status parse_gemma3_ropes(const json& object, model::ModelConfig& config) {
    ASSIGN_OR_RETURN(config.local_rope_theta, real(object, "rope_local_base_freq", 10000.0, 1.0,
                                                   double{model::kMaxRopeTheta}));
    json plain = object;
    const json ropes = object.value("rope_parameters", json());
    const json full = ropes.is_object() ? ropes.value("full_attention", json()) : json();
    if (full.is_object() && is_null(object, "rope_scaling")) {
        plain["rope_parameters"] = full;
        const json local = ropes.value("sliding_attention", json::object());
        if (!local.is_object() || local.value("rope_type", json("default")) != json("default"))
            return unsupported("a scaled rope of local layers");
        ASSIGN_OR_RETURN(config.local_rope_theta,
                         real(local, "rope_theta", double{config.local_rope_theta}, 1.0,
                              double{model::kMaxRopeTheta}));
    }
    if (is_null(plain, "rope_theta") && !full.is_object()) plain["rope_theta"] = 1e6;
    return parse_rope(plain, config);
}

// What Gemma 3 has besides the shape of a Llama.
Status parse_gemma3(const json& object, model::ModelConfig& config) {
    RETURN_IF_ERROR(parse_gemma3_ropes(object, config));
    ASSIGN_OR_RETURN(config.window, number(object, "sliding_window", kUsualWindow));
    RETURN_IF_ERROR(parse_layer_types(object, config));
    if (config.window == 0) {
        config.window_period = 0;
        config.local_rope_theta = 0.0F;
    }
    if (object.value("hidden_activation", json("gelu_pytorch_tanh")) != json("gelu_pytorch_tanh"))
        return unsupported("hidden_activation " + object["hidden_activation"].dump());
    ASSIGN_OR_RETURN(const float scale, real(object, "query_pre_attn_scalar", 256.0, 1.0, 1e6));
    if (scale != static_cast<float>(config.head_dim()))
        return unsupported("a query_pre_attn_scalar that is not head_dim");
    for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping"})
        if (!is_null(object, key)) return unsupported(key);
    for (const char* key : {"attention_bias", "use_bidirectional_attention"})
        if (flag(object, key)) return unsupported(key);
    config.norm_position = model::NormPosition::kBoth;
    config.feed_forward = model::FeedForward::kGeglu;
    config.scaled_embedding = true;
    config.qk_norm = true;
    return ok_status();
}

Status parse_llama(const json& object, HfFamily family, model::ModelConfig& config) {
    ASSIGN_OR_RETURN(config.dim, count(object, "hidden_size", model::kMaxDim));
    ASSIGN_OR_RETURN(config.hidden_dim, count(object, "intermediate_size", model::kMaxHiddenDim));
    ASSIGN_OR_RETURN(config.layers, count(object, "num_hidden_layers", model::kMaxLayers));
    ASSIGN_OR_RETURN(config.heads, count(object, "num_attention_heads", model::kMaxHeads));
    ASSIGN_OR_RETURN(config.kv_heads,
                     number_unless_absent(object, "num_key_value_heads",
                                          usual_kv_heads(family, config.heads), config.heads));
    if (config.kv_heads == 0 || config.heads % config.kv_heads != 0)
        return invalid(fmt::format(
            "config.json: num_key_value_heads {} does not divide num_attention_heads {}",
            config.kv_heads, config.heads));
    ASSIGN_OR_RETURN(config.vocab, count(object, "vocab_size", model::kMaxVocab));
    ASSIGN_OR_RETURN(config.context, count(object, "max_position_embeddings", model::kMaxContext));
    ASSIGN_OR_RETURN(config.norm_eps, norm_eps(object, "rms_norm_eps", 1e-6));
    config.tied_head = flag(object, "tie_word_embeddings", family == HfFamily::kGemma3);
    const bool gemma = family == HfFamily::kGemma3;
    const bool fixed = (gemma || family == HfFamily::kQwen3) && !object.contains("head_dim");
    if (!fixed && is_null(object, "head_dim") && config.dim % config.heads != 0)
        return invalid(
            fmt::format("config.json: num_attention_heads {} does not divide hidden_size {}",
                        config.heads, config.dim));
    ASSIGN_OR_RETURN(const std::uint32_t head, number(object, "head_dim",
                                                      !fixed  ? config.dim / config.heads
                                                      : gemma ? kGemmaHead
                                                              : kQwen3Head));
    if (head == 0 || head % 2 != 0 || head > model::kMaxHeadDim)
        return invalid(fmt::format("config.json: head_dim is {}, must be even and 2 to {}", head,
                                   model::kMaxHeadDim));
    if (std::uint64_t{head} * config.heads != config.dim) config.explicit_head_dim = head;
    if (gemma) return parse_gemma3(object, config);
    RETURN_IF_ERROR(parse_rope(object, config));
    RETURN_IF_ERROR(clamp_window(object, family, config));
    ASSIGN_OR_RETURN(config.feed_forward, activation(object, "hidden_act", "silu"));
    if (config.feed_forward != model::FeedForward::kSwiglu)
        return unsupported("hidden_act " + object.value("hidden_act", json()).dump());
    ASSIGN_OR_RETURN(const float partial, real(object, "partial_rotary_factor", 1.0, 0.0, 1.0));
    if (partial != 1.0F) return unsupported("partial_rotary_factor");
    const bool biases = flag(object, "attention_bias");
    config.qkv_bias = biases || family == HfFamily::kQwen2;
    config.out_bias = biases && family != HfFamily::kQwen2;
    config.ffn_bias = flag(object, "mlp_bias");
    config.qk_norm = family == HfFamily::kQwen3;
    return ok_status();
}

Status parse_gpt2(const json& object, model::ModelConfig& config) {
    ASSIGN_OR_RETURN(config.dim, count(object, "n_embd", model::kMaxDim));
    ASSIGN_OR_RETURN(config.layers, count(object, "n_layer", model::kMaxLayers));
    ASSIGN_OR_RETURN(config.heads, count(object, "n_head", model::kMaxHeads));
    ASSIGN_OR_RETURN(config.hidden_dim, number(object, "n_inner", 4 * config.dim));
    ASSIGN_OR_RETURN(config.vocab, count(object, "vocab_size", model::kMaxVocab));
    ASSIGN_OR_RETURN(const std::uint32_t old_context, number(object, "n_ctx", 0));
    ASSIGN_OR_RETURN(config.context, number(object, "n_positions", old_context));
    ASSIGN_OR_RETURN(config.norm_eps, norm_eps(object, "layer_norm_epsilon", 1e-5));
    ASSIGN_OR_RETURN(config.feed_forward, activation(object, "activation_function", "gelu_new"));
    if (config.feed_forward == model::FeedForward::kSwiglu)
        return unsupported("activation_function");
    if (!flag(object, "scale_attn_weights", true) ||
        flag(object, "scale_attn_by_inverse_layer_idx") || flag(object, "add_cross_attention"))
        return unsupported("another scale of attention, or cross attention,");
    config.kv_heads = config.heads;
    config.tied_head = flag(object, "tie_word_embeddings", true);
    config.norm = model::NormKind::kLayer;
    config.positions = model::PositionKind::kLearned;
    config.qkv_bias = config.out_bias = config.ffn_bias = true;
    return ok_status();
}

Status parse_bert(const json& object, model::ModelConfig& config) {
    ASSIGN_OR_RETURN(config.dim, count(object, "hidden_size", model::kMaxDim));
    ASSIGN_OR_RETURN(config.hidden_dim, count(object, "intermediate_size", model::kMaxHiddenDim));
    ASSIGN_OR_RETURN(config.layers, count(object, "num_hidden_layers", model::kMaxLayers));
    ASSIGN_OR_RETURN(config.heads, count(object, "num_attention_heads", model::kMaxHeads));
    ASSIGN_OR_RETURN(config.vocab, count(object, "vocab_size", model::kMaxVocab));
    ASSIGN_OR_RETURN(config.context, count(object, "max_position_embeddings", model::kMaxContext));
    ASSIGN_OR_RETURN(config.token_types, number(object, "type_vocab_size", 2));
    ASSIGN_OR_RETURN(config.norm_eps, norm_eps(object, "layer_norm_eps", 1e-12));
    ASSIGN_OR_RETURN(config.feed_forward, activation(object, "hidden_act", "gelu"));
    if (config.feed_forward == model::FeedForward::kSwiglu) return unsupported("hidden_act");
    if (object.value("position_embedding_type", json("absolute")) != json("absolute"))
        return unsupported("position_embedding_type");
    if (flag(object, "is_decoder")) return unsupported("is_decoder");
    config.kv_heads = config.heads;
    config.tied_head = true;
    config.norm = model::NormKind::kLayer;
    config.norm_position = model::NormPosition::kPost;
    config.positions = model::PositionKind::kLearned;
    config.causal = false;
    config.embedding_norm = true;
    config.qkv_bias = config.out_bias = config.ffn_bias = true;
    return ok_status();
}

// What a half of BART has of its own.
Status parse_bart_half(const json& object, const std::string& half, model::ModelConfig& config) {
    const auto key = [&](const char* what) { return half + what; };
    ASSIGN_OR_RETURN(config.layers, count(object, key("_layers").c_str(), model::kMaxLayers));
    ASSIGN_OR_RETURN(config.heads,
                     count(object, key("_attention_heads").c_str(), model::kMaxHeads));
    ASSIGN_OR_RETURN(config.hidden_dim,
                     count(object, key("_ffn_dim").c_str(), model::kMaxHiddenDim));
    config.kv_heads = config.heads;
    return ok_status();
}

Status parse_bart(const json& object, HfConfig& result) {
    model::ModelConfig both;
    ASSIGN_OR_RETURN(both.dim, count(object, "d_model", model::kMaxDim));
    ASSIGN_OR_RETURN(both.vocab, count(object, "vocab_size", model::kMaxVocab));
    ASSIGN_OR_RETURN(both.context, count(object, "max_position_embeddings", model::kMaxContext));
    ASSIGN_OR_RETURN(both.feed_forward, activation(object, "activation_function", "gelu"));
    if (both.feed_forward == model::FeedForward::kSwiglu) return unsupported("activation_function");
    // Keys of the first files, which later versions of transformers do not look at.
    for (const char* key : {"normalize_before", "add_final_layer_norm", "add_bias_logits",
                            "static_position_embeddings", "is_decoder"})
        if (flag(object, key)) return unsupported(key);
    for (const char* key : {"normalize_embedding", "is_encoder_decoder", "tie_word_embeddings"})
        if (!flag(object, key, true)) return unsupported(fmt::format("{} false", key));
    both.norm = model::NormKind::kLayer;
    both.norm_position = model::NormPosition::kPost;
    both.positions = model::PositionKind::kLearned;
    both.embedding_norm = true;
    both.scaled_embedding = flag(object, "scale_embedding");
    both.qkv_bias = both.out_bias = both.ffn_bias = true;
    result.encoder = result.config = both;
    result.encoder->causal = false;
    result.config.cross_context = both.context;
    RETURN_IF_ERROR(parse_bart_half(object, "encoder", *result.encoder));
    RETURN_IF_ERROR(parse_bart_half(object, "decoder", result.config));
    return model::validate(*result.encoder);
}

// "low_rank": which matrices are factors, and of which rank.
Status parse_ranks(const json& object, model::ModelConfig& config) {
    const json low_rank = object.value("low_rank", json());
    const json ranks = low_rank.is_object() ? low_rank.value("ranks", json()) : json();
    if (!ranks.is_array() || ranks.size() != config.layers)
        return invalid("config.json: low_rank has no list of ranks for each layer");
    RETURN_IF_ERROR(check_flags(low_rank));
    config.per_head = flag(low_rank, "per_head");
    for (const json& layer : ranks) {
        if (!layer.is_array() || layer.size() != model::kProjections)
            return invalid(fmt::format("config.json: low_rank: a layer's ranks are {} numbers",
                                       model::kProjections));
        model::LayerRanks& to = config.ranks.emplace_back();
        for (std::size_t i = 0; i < to.size(); ++i) {
            if (!layer[i].is_number_unsigned() || layer[i].get<std::uint64_t>() > 0xFFFF)
                return invalid("config.json: low_rank: a rank is not a number up to 65535");
            to[i] = layer[i].get<std::uint16_t>();
        }
    }
    return ok_status();
}

}  // namespace

Result<HfConfig> parse_hf_config(std::string_view text) {
    ASSIGN_OR_RETURN(const json object, parse_strict_json(text, "config.json"));
    RETURN_IF_ERROR(check_flags(object));
    // transformers goes by model_type, even where `architectures` says otherwise.
    if (is_null(object, "model_type"))
        return invalid(
            "config.json has no model_type (llama, mistral, qwen2, qwen3, gemma3_text, gpt2, "
            "bert, bart)");
    const bool low_rank = object.value("model_type", json()) == json(kLowRankType);
    const json type = object.value(low_rank ? "base_model_type" : "model_type", json());
    const auto family = type.is_string() ? hf_family_named(type.get<std::string>()) : std::nullopt;
    if (!family) return unsupported("model_type " + type.dump());
    if (!is_null(object, "quantization_config"))
        return unsupported("quantization_config (get the model unquantised, or as GGUF); it");
    HfConfig result{*family, {}};
    if (*family == HfFamily::kGpt2)
        RETURN_IF_ERROR(parse_gpt2(object, result.config));
    else if (*family == HfFamily::kBert)
        RETURN_IF_ERROR(parse_bert(object, result.config));
    else if (*family == HfFamily::kBart)
        RETURN_IF_ERROR(parse_bart(object, result));
    else
        RETURN_IF_ERROR(parse_llama(object, *family, result.config));
    if (low_rank) RETURN_IF_ERROR(parse_ranks(object, result.config));
    RETURN_IF_ERROR(model::validate(result.config));
    return result;
}

}  // namespace cairn::formats
