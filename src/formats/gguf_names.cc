#include "formats/gguf_names.h"

namespace cairn::formats {

namespace {

struct Name {
    GgufArchitecture architecture;
    std::string_view name;
};
constexpr Name kNames[] = {
    {GgufArchitecture::kLlama, "llama"}, {GgufArchitecture::kQwen2, "qwen2"},
    {GgufArchitecture::kQwen3, "qwen3"}, {GgufArchitecture::kGemma3, "gemma3"},
    {GgufArchitecture::kGpt2, "gpt2"},   {GgufArchitecture::kBert, "bert"}};

// The tensor's name without "blk.N." and ".weight"; an encoder's norms come after the branches.
std::string_view stem(model::TensorKind kind, bool encoder) {
    using K = model::TensorKind;
    switch (kind) {
        case K::kTokenEmbedding:
            return "token_embd";
        case K::kPositionEmbedding:
            return "position_embd";
        case K::kTypeEmbedding:
            return "token_types";
        case K::kEmbeddingNorm:
        case K::kEmbeddingNormBias:
            return "token_embd_norm";
        case K::kAttnNorm:
        case K::kAttnNormBias:
            return encoder ? "attn_output_norm" : "attn_norm";
        case K::kWq:
        case K::kBq:
            return "attn_q";
        case K::kWk:
        case K::kBk:
            return "attn_k";
        case K::kWv:
        case K::kBv:
            return "attn_v";
        case K::kQNorm:
            return "attn_q_norm";
        case K::kKNorm:
            return "attn_k_norm";
        case K::kWo:
        case K::kBo:
            return "attn_output";
        case K::kAttnPostNorm:
            return "post_attention_norm";
        case K::kFfnPostNorm:
            return "post_ffw_norm";
        case K::kFfnNorm:
        case K::kFfnNormBias:
            return encoder ? "layer_output_norm" : "ffn_norm";
        case K::kWGate:
        case K::kBGate:
            return "ffn_gate";
        case K::kWUp:
        case K::kBUp:
            return "ffn_up";
        case K::kWDown:
        case K::kBDown:
            return "ffn_down";
        case K::kFinalNorm:
        case K::kFinalNormBias:
            return "output_norm";
        case K::kHead:
            return "output";
        default:  // factors of low rank
            break;
    }
    return {};
}

bool is_bias(model::TensorKind kind) {
    switch (kind) {
        case model::TensorKind::kEmbeddingNormBias:
        case model::TensorKind::kAttnNormBias:
        case model::TensorKind::kBq:
        case model::TensorKind::kBk:
        case model::TensorKind::kBv:
        case model::TensorKind::kBo:
        case model::TensorKind::kFfnNormBias:
        case model::TensorKind::kBGate:
        case model::TensorKind::kBUp:
        case model::TensorKind::kBDown:
        case model::TensorKind::kFinalNormBias:
            return true;
        default:
            return false;
    }
}

// Which third of GPT-2's fused attention tensor, or nothing.
std::optional<std::uint32_t> fused_part(model::TensorKind kind) {
    switch (kind) {
        case model::TensorKind::kWq:
        case model::TensorKind::kBq:
            return 0;
        case model::TensorKind::kWk:
        case model::TensorKind::kBk:
            return 1;
        case model::TensorKind::kWv:
        case model::TensorKind::kBv:
            return 2;
        default:
            return std::nullopt;
    }
}

}  // namespace

std::string_view gguf_architecture_name(GgufArchitecture architecture) {
    for (const Name& entry : kNames)
        if (entry.architecture == architecture) return entry.name;
    return {};
}

std::optional<GgufArchitecture> gguf_architecture_named(std::string_view name) {
    for (const Name& entry : kNames)
        if (entry.name == name) return entry.architecture;
    return std::nullopt;
}

TensorPlace gguf_place(GgufArchitecture architecture, const model::TensorInfo& info) {
    TensorPlace place;
    std::string_view name = stem(info.kind, architecture == GgufArchitecture::kBert);
    if (architecture == GgufArchitecture::kGpt2) {
        if (const auto part = fused_part(info.kind)) {
            name = "attn_qkv";
            place.part = *part;
            place.parts = 3;
        }
    }
    if (name.empty()) return {};
    if (model::is_per_layer(info.kind)) place.name = "blk." + std::to_string(info.layer) + ".";
    place.name.append(name).append(is_bias(info.kind) ? ".bias" : ".weight");
    return place;
}

std::string gguf_key(GgufArchitecture architecture, std::string_view key) {
    return std::string(gguf_architecture_name(architecture)).append(".").append(key);
}

}  // namespace cairn::formats
