#include "formats/gguf_model.h"

#include <algorithm>

#include <fmt/core.h>

#include "formats/gguf_names.h"
#include "model/rope_scale.h"
#include "text/tokenizer.h"

namespace cairn::formats {

namespace {

using A = GgufArchitecture;

constexpr float kMaxRopeFactor = 1e4F;

Error unsupported(const std::string& what) { return Error{ErrorCode::kUnsupported, what}; }

// One architecture's keys.
class Keys {
  public:
    Keys(const GgufHeader& header, A architecture) : header_(header), architecture_(architecture) {}

    std::string key(std::string_view name) const { return gguf_key(architecture_, name); }
    bool has(std::string_view name) const { return header_.has(key(name)); }
    Result<std::uint32_t> number(std::string_view name) const { return header_.number(key(name)); }
    Result<std::uint32_t> number(std::string_view name, std::uint32_t otherwise) const {
        return header_.number(key(name), otherwise);
    }
    // A number within [1, high].
    Result<std::uint32_t> count(std::string_view name, std::uint32_t high) const {
        ASSIGN_OR_RETURN(const std::uint32_t value, number(name));
        if (value >= 1 && value <= high) return value;
        return invalid(fmt::format("{} is {}, must be 1 to {}", key(name), value, high));
    }
    // A real number within [low, high]; a NaN is in no range.
    Result<float> real(std::string_view name, float otherwise, float low, float high) const {
        ASSIGN_OR_RETURN(const float value, header_.real(key(name), otherwise));
        if (value >= low && value <= high) return value;
        return invalid(fmt::format("{} is {}, must be {} to {}", key(name), value, low, high));
    }
    Result<std::string> text(std::string_view name) const { return header_.text(key(name), ""); }
    Result<bool> flag(std::string_view name, bool otherwise) const {
        return header_.flag(key(name), otherwise);
    }

  private:
    const GgufHeader& header_;
    A architecture_;
};

// rope.scaling.*; Llama 3's scaling is a tensor and read later.
Status read_rope(const Keys& keys, model::ModelConfig& config) {
    ASSIGN_OR_RETURN(config.rope_theta,
                     keys.real("rope.freq_base", 10000.0F, 1.0F, model::kMaxRopeTheta));
    ASSIGN_OR_RETURN(const std::uint32_t turned,
                     keys.number("rope.dimension_count", config.head_dim()));
    if (turned != config.head_dim())
        return unsupported(fmt::format("{} is {} of {}: rotating a part of a head is not computed",
                                       keys.key("rope.dimension_count"), turned,
                                       config.head_dim()));
    ASSIGN_OR_RETURN(const std::string type, keys.text("rope.scaling.type"));
    ASSIGN_OR_RETURN(const float old_factor,
                     keys.real("rope.scale_linear", 1.0F, 0.0F, kMaxRopeFactor));
    ASSIGN_OR_RETURN(float factor,
                     keys.real("rope.scaling.factor", old_factor, 0.0F, kMaxRopeFactor));
    // llama.cpp writes 0 for "no scaling".
    if (factor == 0.0F) factor = 1.0F;
    if (factor < 1.0F) return invalid(keys.key("rope.scaling.factor") + " is below 1");
    ASSIGN_OR_RETURN(const float attention,
                     keys.real("rope.scaling.attn_factor", 1.0F, 0.0F, 1e3F));
    if (attention != 1.0F) return unsupported(keys.key("rope.scaling.attn_factor"));
    if (type.empty() || type == "linear") {
        config.rope_scale = model::linear_rope_scale(factor);
    } else if (type == "yarn") {
        ASSIGN_OR_RETURN(const std::uint32_t original,
                         keys.number("rope.scaling.original_context_length", config.context));
        ASSIGN_OR_RETURN(const float fast,
                         keys.real("rope.scaling.yarn_beta_fast", 32.0F, 1e-3F, kMaxRopeFactor));
        ASSIGN_OR_RETURN(const float slow,
                         keys.real("rope.scaling.yarn_beta_slow", 1.0F, 1e-3F, kMaxRopeFactor));
        config.rope_scale = model::yarn_rope_scale(factor, original, fast, slow);
    } else if (type != "none") {
        return unsupported(fmt::format("{} is {}", keys.key("rope.scaling.type"), type));
    }
    return ok_status();
}

Status read_shape(const GgufHeader& header, const Keys& keys, A architecture,
                  model::ModelConfig& config) {
    ASSIGN_OR_RETURN(const std::uint32_t parts, header.number("split.count", 0));
    if (parts > 1)
        return unsupported(
            fmt::format("one part of {}: join them with llama-gguf-split --merge", parts));
    ASSIGN_OR_RETURN(config.dim, keys.count("embedding_length", model::kMaxDim));
    ASSIGN_OR_RETURN(config.layers, keys.count("block_count", model::kMaxLayers));
    ASSIGN_OR_RETURN(config.hidden_dim, keys.count("feed_forward_length", model::kMaxHiddenDim));
    ASSIGN_OR_RETURN(config.heads, keys.count("attention.head_count", model::kMaxHeads));
    ASSIGN_OR_RETURN(config.kv_heads, keys.number("attention.head_count_kv", config.heads));
    ASSIGN_OR_RETURN(config.context, keys.count("context_length", model::kMaxContext));
    if (config.kv_heads == 0 || config.heads % config.kv_heads != 0)
        return invalid(fmt::format("{} {} does not divide {} {}",
                                   keys.key("attention.head_count_kv"), config.kv_heads,
                                   keys.key("attention.head_count"), config.heads));
    if (!keys.has("attention.key_length") && config.dim % config.heads != 0)
        return invalid(fmt::format("{} {} does not divide {} {}", keys.key("attention.head_count"),
                                   config.heads, keys.key("embedding_length"), config.dim));
    const std::uint32_t plain = config.dim / config.heads;
    ASSIGN_OR_RETURN(const std::uint32_t head, keys.number("attention.key_length", plain));
    ASSIGN_OR_RETURN(const std::uint32_t value, keys.number("attention.value_length", head));
    if (head != value) return unsupported("keys and values of different widths");
    if (std::uint64_t{head} * config.heads != config.dim) config.explicit_head_dim = head;
    if (keys.has("expert_count")) {
        ASSIGN_OR_RETURN(const std::uint32_t experts, keys.number("expert_count"));
        if (experts != 0) return unsupported("a mixture of experts");
    }
    if (architecture != A::kGemma3 && keys.has("attention.sliding_window")) {
        // For texts that fit the window, windowed attention is full attention.
        ASSIGN_OR_RETURN(const std::uint32_t window, keys.number("attention.sliding_window"));
        if (window != 0) config.context = std::min(config.context, window);
    }
    const auto embedding = header.tensors.find("token_embd.weight");
    if (embedding == header.tensors.end())
        return invalid(
            "it has no token_embd.weight: a vocabulary alone, or one part of several "
            "(join those with llama-gguf-split --merge)");
    if (embedding->second.shape[0] > model::kMaxVocab)
        return invalid(fmt::format("token_embd.weight has {} rows, at most {} are read",
                                   embedding->second.shape[0], model::kMaxVocab));
    config.vocab = static_cast<std::uint32_t>(embedding->second.shape[0]);
    config.tied_head = !header.tensors.contains("output.weight");
    return ok_status();
}

// What the architecture fixes, and llama.cpp's defaults for what files rarely say.
Status read_gemma3(const Keys& keys, model::ModelConfig& config) {
    constexpr std::uint32_t kPeriod = 6;
    constexpr std::uint32_t kLayersOf27B = 62;
    config.norm_position = model::NormPosition::kBoth;
    config.feed_forward = model::FeedForward::kGeglu;
    config.scaled_embedding = true;
    for (const char* name : {"attn_logit_softcapping", "final_logit_softcapping"}) {
        ASSIGN_OR_RETURN(const float cap, keys.real(name, 0.0F, 0.0F, 1e6F));
        if (cap != 0.0F) return unsupported(keys.key(name));
    }
    // llama.cpp knows that model by its layers and scales its queries by 1 / sqrt(168).
    if (config.layers == kLayersOf27B)
        return unsupported("Gemma 3 27B, whose queries have a scale of their own,");
    ASSIGN_OR_RETURN(config.window, keys.number("attention.sliding_window", 0));
    if (config.window == 0) return ok_status();
    ASSIGN_OR_RETURN(config.window_period,
                     keys.number("attention.sliding_window_pattern", kPeriod));
    ASSIGN_OR_RETURN(config.local_rope_theta,
                     keys.real("rope.freq_base_swa", 10000.0F, 1.0F, model::kMaxRopeTheta));
    return ok_status();
}

// Settings that follow from the family, or from which tensors the file has.
Status read_family(const GgufHeader& header, const Keys& keys, A architecture,
                   model::ModelConfig& config) {
    const auto has = [&](const char* name) { return header.tensors.contains(name); };
    if (architecture == A::kGpt2 || architecture == A::kBert) {
        config.norm = model::NormKind::kLayer;
        config.positions = model::PositionKind::kLearned;
        config.feed_forward = model::FeedForward::kGeluTanh;
        config.qkv_bias = config.out_bias = config.ffn_bias = true;
        ASSIGN_OR_RETURN(config.norm_eps, keys.real("attention.layer_norm_epsilon", 1e-5F,
                                                    model::kMinEps, model::kMaxEps));
    } else {
        ASSIGN_OR_RETURN(config.norm_eps, keys.real("attention.layer_norm_rms_epsilon", 1e-5F,
                                                    model::kMinEps, model::kMaxEps));
        config.rope_interleaved = gguf_rope_interleaved(architecture);
        config.qkv_bias = has("blk.0.attn_q.bias");
        config.out_bias = has("blk.0.attn_output.bias");
        config.ffn_bias = has("blk.0.ffn_up.bias");
        config.qk_norm = has("blk.0.attn_q_norm.weight");
        RETURN_IF_ERROR(read_rope(keys, config));
    }
    if (architecture == A::kGemma3) RETURN_IF_ERROR(read_gemma3(keys, config));
    if (architecture == A::kBert) {
        config.norm_position = model::NormPosition::kPost;
        config.feed_forward = model::FeedForward::kGelu;
        config.causal = false;
        config.tied_head = true;
        config.embedding_norm = true;
        const auto types = header.tensors.find("token_types.weight");
        if (types != header.tensors.end() && types->second.shape[0] <= model::kMaxTokenTypes)
            config.token_types = static_cast<std::uint32_t>(types->second.shape[0]);
    }
    return ok_status();
}

// Keys that llama.cpp reads for every architecture, but for which we support one value only.
Status check_causal(const Keys& keys, const model::ModelConfig& config) {
    ASSIGN_OR_RETURN(const bool causal, keys.flag("attention.causal", config.causal));
    if (causal == config.causal) return ok_status();
    return unsupported(fmt::format("{} is {}", keys.key("attention.causal"), causal));
}

Status read_rope_factors(const GgufHeader& header, model::ModelConfig& config) {
    const auto at = header.tensors.find(kGgufRopeFactors);
    if (at == header.tensors.end()) return ok_status();
    if (at->second.type != tensor::WeightType::kF32 || at->second.bytes > 4 * model::kMaxHeadDim)
        return invalid("rope_freqs.weight is not a row of F32");
    std::vector<float> factors(at->second.bytes / sizeof(float));
    RETURN_IF_ERROR(at->second.source->read_floats(at->second.offset, factors));
    if (config.rope_scale.kind != model::RopeScalingKind::kNone)
        return unsupported("rope_freqs.weight and rope.scaling at once");
    ASSIGN_OR_RETURN(config.rope_scale, model::rope_scale_of_factors(config, factors));
    return ok_status();
}

Result<A> architecture_of(const GgufHeader& header) {
    ASSIGN_OR_RETURN(const std::string name, header.text("general.architecture", ""));
    if (const auto architecture = gguf_architecture_named(name)) return *architecture;
    return unsupported(
        fmt::format("architecture '{}' is not one that this program runs "
                    "(llama, qwen2, qwen3, gemma3, gpt2, bert)",
                    name));
}

// llama.cpp's numbers.
std::optional<model::Pooling> pooling_of(const GgufHeader& header, const Keys& keys) {
    const auto number = header.number(keys.key("pooling_type"));
    if (!number.ok()) return std::nullopt;
    switch (*number) {
        case 1:
            return model::Pooling::kMean;
        case 2:
            return model::Pooling::kFirst;
        case 3:
            return model::Pooling::kLast;
        default:
            return std::nullopt;
    }
}

Result<LoadedModel> read_model(const GgufHeader& header) {
    ASSIGN_OR_RETURN(const model::ModelConfig config, gguf_config(header));
    ASSIGN_OR_RETURN(const A architecture, architecture_of(header));
    LoadedModel loaded;
    loaded.format = "gguf";
    ASSIGN_OR_RETURN(
        loaded.model,
        assemble(
            config, header.tensors,
            [&](const model::TensorInfo& info) { return gguf_place(architecture, info); },
            [](const std::string& name) { return name == kGgufRopeFactors; }));
    loaded.pooling = pooling_of(header, Keys(header, architecture));
    auto parts = gguf_vocabulary(header);
    if (!parts.ok() && parts.error().code != ErrorCode::kNotFound) return parts.error();
    if (!parts.ok()) return loaded;
    // llama.cpp counts the vocabulary by its pieces.
    if (parts->pieces.size() != config.vocab)
        return invalid(fmt::format("tokenizer.ggml.tokens has {} pieces, token_embd.weight {} rows",
                                   parts->pieces.size(), config.vocab));
    loaded.model.chat_template = parts->chat_template;
    const auto tokenizer = text::make_tokenizer(*std::move(parts));
    if (tokenizer.ok())
        loaded.model.tokenizer = (*tokenizer)->serialise();
    else
        loaded.tokenizer_problem = tokenizer.error().message;
    return loaded;
}

}  // namespace

Result<model::ModelConfig> gguf_config(const GgufHeader& header) {
    ASSIGN_OR_RETURN(const A architecture, architecture_of(header));
    const Keys keys(header, architecture);
    model::ModelConfig config;
    RETURN_IF_ERROR(read_shape(header, keys, architecture, config));
    RETURN_IF_ERROR(read_family(header, keys, architecture, config));
    RETURN_IF_ERROR(check_causal(keys, config));
    RETURN_IF_ERROR(model::validate(config));
    RETURN_IF_ERROR(read_rope_factors(header, config));
    RETURN_IF_ERROR(model::validate(config));
    return config;
}

Result<LoadedModel> read_gguf(const SharedSource& source) {
    ASSIGN_OR_RETURN(const GgufHeader header, read_gguf_header(source));
    auto loaded = read_model(header);
    if (!loaded.ok()) return loaded.error().with_prefix(source->name());
    return loaded;
}

}  // namespace cairn::formats
