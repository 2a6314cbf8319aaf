#include "formats/hf_names.h"

namespace cairn::formats {

namespace {

using K = model::TensorKind;

struct Name {
    HfFamily family;
    std::string_view name;
};
constexpr Name kNames[] = {{HfFamily::kLlama, "llama"},        {HfFamily::kMistral, "mistral"},
                           {HfFamily::kQwen2, "qwen2"},        {HfFamily::kQwen3, "qwen3"},
                           {HfFamily::kGemma3, "gemma3_text"}, {HfFamily::kGpt2, "gpt2"},
                           {HfFamily::kBert, "bert"},          {HfFamily::kBart, "bart"}};

// Names of one kind in the four ways that files name tensors; null where one has none.
struct Row {
    K kind;
    const char* llama;
    const char* gpt2;
    const char* bert;
    const char* bart;
};
constexpr Row kRows[] = {
    {K::kTokenEmbedding, "embed_tokens.weight", "wte.weight", "embeddings.word_embeddings.weight",
     "embed_tokens.weight"},
    {K::kPositionEmbedding, nullptr, "wpe.weight", "embeddings.position_embeddings.weight",
     "embed_positions.weight"},
    {K::kTypeEmbedding, nullptr, nullptr, "embeddings.token_type_embeddings.weight", nullptr},
    {K::kEmbeddingNorm, nullptr, nullptr, "embeddings.LayerNorm.weight",
     "layernorm_embedding.weight"},
    {K::kEmbeddingNormBias, nullptr, nullptr, "embeddings.LayerNorm.bias",
     "layernorm_embedding.bias"},
    {K::kAttnNorm, "input_layernorm.weight", "ln_1.weight", "attention.output.LayerNorm.weight",
     "self_attn_layer_norm.weight"},
    {K::kAttnNormBias, nullptr, "ln_1.bias", "attention.output.LayerNorm.bias",
     "self_attn_layer_norm.bias"},
    {K::kWq, "self_attn.q_proj.weight", "attn.c_attn.weight", "attention.self.query.weight",
     "self_attn.q_proj.weight"},
    {K::kBq, "self_attn.q_proj.bias", "attn.c_attn.bias", "attention.self.query.bias",
     "self_attn.q_proj.bias"},
    {K::kWk, "self_attn.k_proj.weight", "attn.c_attn.weight", "attention.self.key.weight",
     "self_attn.k_proj.weight"},
    {K::kBk, "self_attn.k_proj.bias", "attn.c_attn.bias", "attention.self.key.bias",
     "self_attn.k_proj.bias"},
    {K::kWv, "self_attn.v_proj.weight", "attn.c_attn.weight", "attention.self.value.weight",
     "self_attn.v_proj.weight"},
    {K::kBv, "self_attn.v_proj.bias", "attn.c_attn.bias", "attention.self.value.bias",
     "self_attn.v_proj.bias"},
    {K::kQNorm, "self_attn.q_norm.weight", nullptr, nullptr, nullptr},
    {K::kKNorm, "self_attn.k_norm.weight", nullptr, nullptr, nullptr},
    {K::kWo, "self_attn.o_proj.weight", "attn.c_proj.weight", "attention.output.dense.weight",
     "self_attn.out_proj.weight"},
    {K::kBo, "self_attn.o_proj.bias", "attn.c_proj.bias", "attention.output.dense.bias",
     "self_attn.out_proj.bias"},
    {K::kFfnNorm, "post_attention_layernorm.weight", "ln_2.weight", "output.LayerNorm.weight",
     "final_layer_norm.weight"},
    {K::kFfnNormBias, nullptr, "ln_2.bias", "output.LayerNorm.bias", "final_layer_norm.bias"},
    {K::kWGate, "mlp.gate_proj.weight", nullptr, nullptr, nullptr},
    {K::kBGate, "mlp.gate_proj.bias", nullptr, nullptr, nullptr},
    {K::kWUp, "mlp.up_proj.weight", "mlp.c_fc.weight", "intermediate.dense.weight", "fc1.weight"},
    {K::kBUp, "mlp.up_proj.bias", "mlp.c_fc.bias", "intermediate.dense.bias", "fc1.bias"},
    {K::kWDown, "mlp.down_proj.weight", "mlp.c_proj.weight", "output.dense.weight", "fc2.weight"},
    {K::kBDown, "mlp.down_proj.bias", "mlp.c_proj.bias", "output.dense.bias", "fc2.bias"},
    {K::kFinalNorm, "norm.weight", "ln_f.weight", nullptr, nullptr},
    {K::kFinalNormBias, nullptr, "ln_f.bias", nullptr, nullptr},
    {K::kHead, "lm_head.weight", "lm_head.weight", nullptr, nullptr},
    {K::kCrossNorm, nullptr, nullptr, nullptr, "encoder_attn_layer_norm.weight"},
    {K::kCrossNormBias, nullptr, nullptr, nullptr, "encoder_attn_layer_norm.bias"},
    {K::kCrossWq, nullptr, nullptr, nullptr, "encoder_attn.q_proj.weight"},
    {K::kCrossBq, nullptr, nullptr, nullptr, "encoder_attn.q_proj.bias"},
    {K::kCrossWk, nullptr, nullptr, nullptr, "encoder_attn.k_proj.weight"},
    {K::kCrossBk, nullptr, nullptr, nullptr, "encoder_attn.k_proj.bias"},
    {K::kCrossWv, nullptr, nullptr, nullptr, "encoder_attn.v_proj.weight"},
    {K::kCrossBv, nullptr, nullptr, nullptr, "encoder_attn.v_proj.bias"},
    {K::kCrossWo, nullptr, nullptr, nullptr, "encoder_attn.out_proj.weight"},
    {K::kCrossBo, nullptr, nullptr, nullptr, "encoder_attn.out_proj.bias"},
    {K::kHeadBias, nullptr, nullptr, nullptr, "final_logits_bias"},
};

// Gemma 3's norms, where Llama's names mean others or there are none.
const char* gemma_norm(K kind) {
    switch (kind) {
        case K::kAttnPostNorm:
            return "post_attention_layernorm.weight";
        case K::kFfnNorm:
            return "pre_feedforward_layernorm.weight";
        case K::kFfnPostNorm:
            return "post_feedforward_layernorm.weight";
        default:
            return nullptr;
    }
}

// The first rows of BART's positions are none: position p has row p + 2.
constexpr std::uint64_t kBartSkipped = 2;

const char* stem(HfFamily family, K kind) {
    if (family == HfFamily::kGemma3)
        if (const char* name = gemma_norm(kind)) return name;
    for (const Row& row : kRows)
        if (row.kind == kind)
            return family == HfFamily::kGpt2   ? row.gpt2
                   : family == HfFamily::kBert ? row.bert
                   : family == HfFamily::kBart ? row.bart
                                               : row.llama;
    return nullptr;
}

// Of a matrix that is kept as two; only the layout's own names tell its left factor from a whole
// one.
bool is_factor(const model::TensorInfo& info) {
    return info.name.ends_with(".left") || info.name.ends_with(".right");
}

// "q_proj.weight" to "q_proj.left.weight"; GPT-2's fused tensor gets a name for each part.
std::string factor_name(std::string name, const model::TensorInfo& info) {
    constexpr std::string_view kEnd = "weight";
    name.resize(name.size() - kEnd.size());
    if (name.ends_with("c_attn.")) switch (*model::projection_of(info.kind)) {
            case model::Projection::kQuery:
                name += "q.";
                break;
            case model::Projection::kKey:
                name += "k.";
                break;
            default:
                name += "v.";
        }
    return name + (model::is_right_factor(info.kind) ? "right." : "left.") + std::string(kEnd);
}

const char* layer_prefix(HfFamily family) {
    return family == HfFamily::kGpt2   ? "h."
           : family == HfFamily::kBert ? "encoder.layer."
                                       : "layers.";
}

}  // namespace

std::string_view hf_family_name(HfFamily family) {
    for (const Name& entry : kNames)
        if (entry.family == family) return entry.name;
    return {};
}

std::optional<HfFamily> hf_family_named(std::string_view name) {
    for (const Name& entry : kNames)
        if (entry.name == name) return entry.family;
    return std::nullopt;
}

std::string_view hf_prefix(HfFamily family) {
    return family == HfFamily::kGpt2   ? "transformer."
           : family == HfFamily::kBert ? "bert."
                                       : "model.";
}

TensorPlace hf_place(HfFamily family, std::string_view prefix, const model::TensorInfo& info) {
    TensorPlace place;
    const auto projection = model::projection_of(info.kind);
    const char* name = stem(family, projection ? model::matrix_of(*projection) : info.kind);
    if (name == nullptr) return place;
    if (info.kind != K::kHead && info.kind != K::kHeadBias) place.name = prefix;
    if (model::is_per_layer(info.kind))
        place.name.append(layer_prefix(family)).append(std::to_string(info.layer)).append(".");
    place.name += name;
    if (is_factor(info)) {
        place.name = factor_name(std::move(place.name), info);
        return place;
    }
    if (family == HfFamily::kGemma3 && !info.is_matrix) place.added = 1.0F;
    if (family == HfFamily::kBart && info.kind == K::kPositionEmbedding)
        place.skipped = kBartSkipped;
    if (family != HfFamily::kGpt2 || !model::is_per_layer(info.kind)) return place;
    // Conv1D: [in, out]; queries, keys and values in one.
    place.transposed = info.is_matrix;
    const auto part = [&](std::uint32_t which) {
        place.part = which;
        place.parts = 3;
    };
    if (info.kind == K::kWq || info.kind == K::kBq) part(0);
    if (info.kind == K::kWk || info.kind == K::kBk) part(1);
    if (info.kind == K::kWv || info.kind == K::kBv) part(2);
    return place;
}

bool is_hf_redundant(HfFamily family, const model::ModelConfig& config, std::string_view name) {
    if (name.ends_with("rotary_emb.inv_freq")) return true;
    if (config.tied_head && name == "lm_head.weight") return true;
    if (family == HfFamily::kGpt2)
        return name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias");
    if (family == HfFamily::kBert)
        return name.find("pooler.") != name.npos || name.starts_with("cls.") ||
               name.ends_with("embeddings.position_ids");
    return false;
}

std::string modern_hf_name(std::string name) {
    const auto replace_end = [&](std::string_view old, std::string_view modern) {
        if (!name.ends_with(old)) return;
        name.resize(name.size() - old.size());
        name += modern;
    };
    replace_end("LayerNorm.gamma", "LayerNorm.weight");
    replace_end("LayerNorm.beta", "LayerNorm.bias");
    return name;
}

}  // namespace cairn::formats
