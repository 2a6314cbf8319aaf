// The way back: ModelConfig to config.json.
#include <nlohmann/json.hpp>

#include "formats/hf_config.h"

namespace cairn::formats {

using json = nlohmann::ordered_json;

namespace {

// The shortest decimal that reads back as the same float: 1e-05, not 9.99999974e-06.
json shortest(float value) { return json::parse(nlohmann::json(value).dump()); }

json scaling_json(const model::RopeScale& scale) {
    constexpr const char* kNames[] = {"default", "linear", "llama3", "yarn"};
    json object = {{"rope_type", kNames[static_cast<std::size_t>(scale.kind)]},
                   {"factor", shortest(scale.factor)}};
    if (scale.kind == model::RopeScalingKind::kLinear) return object;
    object["original_max_position_embeddings"] = scale.original_context;
    if (scale.kind == model::RopeScalingKind::kLlama3) {
        object["low_freq_factor"] = shortest(scale.low_freq_factor);
        object["high_freq_factor"] = shortest(scale.high_freq_factor);
    } else {
        object["beta_fast"] = shortest(scale.beta_fast);
        object["beta_slow"] = shortest(scale.beta_slow);
        object["attention_factor"] = shortest(scale.attention_factor);
    }
    return object;
}

void add_llama(json& object, const model::ModelConfig& c, HfFamily family) {
    object["hidden_size"] = c.dim;
    object["intermediate_size"] = c.hidden_dim;
    object["num_hidden_layers"] = c.layers;
    object["num_attention_heads"] = c.heads;
    object["num_key_value_heads"] = c.kv_heads;
    object["head_dim"] = c.head_dim();
    object["max_position_embeddings"] = c.context;
    object["hidden_act"] = "silu";
    object["rms_norm_eps"] = shortest(c.norm_eps);
    object["rope_theta"] = shortest(c.rope_theta);
    object["rope_scaling"] =
        c.rope_scale.kind == model::RopeScalingKind::kNone ? json() : scaling_json(c.rope_scale);
    if (family != HfFamily::kQwen2) object["attention_bias"] = c.qkv_bias;
    if (family == HfFamily::kLlama) object["mlp_bias"] = c.ffn_bias;
    object["tie_word_embeddings"] = c.tied_head;
}

void add_gemma3(json& object, const model::ModelConfig& c) {
    add_llama(object, c, HfFamily::kQwen3);
    object.erase("hidden_act");
    object["hidden_activation"] = "gelu_pytorch_tanh";
    object["query_pre_attn_scalar"] = c.head_dim();
    json types = json::array();
    for (std::uint32_t layer = 0; layer < c.layers; ++layer)
        types.push_back(c.is_local(layer) ? "sliding_attention" : "full_attention");
    object["layer_types"] = types;
    if (c.window == 0) return;
    object["rope_local_base_freq"] = shortest(c.local_rope_theta);
    object["sliding_window"] = c.window;
    object["sliding_window_pattern"] = c.window_period;
}

const char* activation_name(model::FeedForward kind) {
    return kind == model::FeedForward::kGelu       ? "gelu"
           : kind == model::FeedForward::kGeluTanh ? "gelu_new"
                                                   : "relu";
}

void add_gpt2(json& object, const model::ModelConfig& c) {
    object["n_embd"] = c.dim;
    object["n_inner"] = c.hidden_dim;
    object["n_layer"] = c.layers;
    object["n_head"] = c.heads;
    object["n_positions"] = c.context;
    object["activation_function"] = activation_name(c.feed_forward);
    object["layer_norm_epsilon"] = shortest(c.norm_eps);
    object["tie_word_embeddings"] = c.tied_head;
}

void add_bert(json& object, const model::ModelConfig& c) {
    object["hidden_size"] = c.dim;
    object["intermediate_size"] = c.hidden_dim;
    object["num_hidden_layers"] = c.layers;
    object["num_attention_heads"] = c.heads;
    object["max_position_embeddings"] = c.context;
    object["type_vocab_size"] = c.token_types;
    object["hidden_act"] = activation_name(c.feed_forward);
    object["layer_norm_eps"] = shortest(c.norm_eps);
    object["position_embedding_type"] = "absolute";
}

const char* architecture_name(HfFamily family) {
    switch (family) {
        case HfFamily::kQwen2:
            return "Qwen2ForCausalLM";
        case HfFamily::kQwen3:
            return "Qwen3ForCausalLM";
        case HfFamily::kGemma3:
            return "Gemma3ForCausalLM";
        case HfFamily::kGpt2:
            return "GPT2LMHeadModel";
        case HfFamily::kBert:
            return "BertModel";
        default:
            return "LlamaForCausalLM";
    }
}

const char* dtype_name(tensor::WeightType type) {
    return type == tensor::WeightType::kF16    ? "float16"
           : type == tensor::WeightType::kBf16 ? "bfloat16"
                                               : "float32";
}

// GPT-2 keeps queries, keys and values in one tensor.
bool fused_is_cut(const model::ModelConfig& c) {
    for (const model::LayerRanks& layer : c.ranks)
        if ((layer[0] == 0) != (layer[1] == 0) || (layer[1] == 0) != (layer[2] == 0)) return true;
    return false;
}

}  // namespace

Result<HfFamily> hf_family_of(const model::ModelConfig& c) {
    const Error none{ErrorCode::kUnsupported, "no Hugging Face family computes this shape (" +
                                                  model::describe(c) + "); write it as .cairn"};
    if (model::is_gemma3(c)) return HfFamily::kGemma3;
    if (c.scaled_embedding || c.window != 0 || c.crosses()) return none;
    if (c.norm == model::NormKind::kRms) {
        if (c.norm_position != model::NormPosition::kPre ||
            c.positions != model::PositionKind::kRotary ||
            c.feed_forward != model::FeedForward::kSwiglu || !c.causal || c.embedding_norm ||
            c.token_types != 0)
            return none;
        if (c.qk_norm && c.qkv_bias == c.out_bias && !c.ffn_bias) return HfFamily::kQwen3;
        if (!c.qk_norm && c.qkv_bias && !c.out_bias && !c.ffn_bias) return HfFamily::kQwen2;
        if (!c.qk_norm && c.qkv_bias == c.out_bias) return HfFamily::kLlama;
        return none;
    }
    if (c.positions != model::PositionKind::kLearned || !c.qkv_bias || !c.out_bias || !c.ffn_bias ||
        c.qk_norm || c.explicit_head_dim != 0 || c.kv_heads != c.heads || c.is_gated())
        return none;
    if (c.causal && c.norm_position == model::NormPosition::kPre && !c.embedding_norm &&
        c.token_types == 0) {
        if (fused_is_cut(c))
            return Error{ErrorCode::kUnsupported,
                         "a Hugging Face folder of GPT-2 has queries, keys and values in one "
                         "tensor, and only some of them are factors here; write it as .cairn"};
        return HfFamily::kGpt2;
    }
    if (!c.causal && c.norm_position == model::NormPosition::kPost && c.embedding_norm &&
        c.token_types > 0)
        return HfFamily::kBert;
    return none;
}

std::string render_hf_config(const model::ModelConfig& config, HfFamily family,
                             const HfTokens& tokens, tensor::WeightType type) {
    json object = {{"architectures", {architecture_name(family)}},
                   {"model_type", hf_family_name(family)},
                   {"vocab_size", config.vocab}};
    if (family == HfFamily::kGpt2)
        add_gpt2(object, config);
    else if (family == HfFamily::kBert)
        add_bert(object, config);
    else if (family == HfFamily::kGemma3)
        add_gemma3(object, config);
    else
        add_llama(object, config, family);
    if (!config.ranks.empty()) {
        object["architectures"] = {"CairnLowRank"};
        object["model_type"] = kLowRankType;
        object["base_model_type"] = hf_family_name(family);
        object["low_rank"] = {{"per_head", config.per_head}, {"ranks", config.ranks}};
    }
    if (tokens.bos) object["bos_token_id"] = *tokens.bos;
    if (tokens.eos) object["eos_token_id"] = *tokens.eos;
    if (tokens.pad) object["pad_token_id"] = *tokens.pad;
    object["torch_dtype"] = dtype_name(type);
    return object.dump(2) + "\n";
}

}  // namespace cairn::formats
