// One small model of every family, in every type of weights, for this room's tests.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "model/test_model.h"
#include "tensor/kv_type.h"
#include "tensor/weight.h"

namespace cairn::model {

struct Family {
    std::string name;
    ModelConfig config;
};

/// Widths are multiples of 32, so that every type of weights fits; grouped heads, three key blocks.
inline ModelConfig family_base() {
    return {.dim = 64,
            .hidden_dim = 96,
            .layers = 2,
            .heads = 4,
            .kv_heads = 2,
            .vocab = 67,
            .context = 192};
}

inline std::vector<Family> families() {
    const ModelConfig llama = family_base();

    ModelConfig qwen = family_base();  // Qwen2's biases and Qwen3's norms and heads
    qwen.rope_theta = 1e6F;
    qwen.norm_eps = 1e-6F;
    qwen.rope_interleaved = false;
    qwen.tied_head = false;
    qwen.qkv_bias = true;
    qwen.qk_norm = true;
    qwen.explicit_head_dim = 24;
    qwen.rope_scale.kind = RopeScalingKind::kLinear;
    qwen.rope_scale.factor = 4.0F;

    ModelConfig gpt2 = family_base();
    gpt2.kv_heads = 4;
    gpt2.norm = NormKind::kLayer;
    gpt2.positions = PositionKind::kLearned;
    gpt2.feed_forward = FeedForward::kGeluTanh;
    gpt2.qkv_bias = gpt2.out_bias = gpt2.ffn_bias = true;

    ModelConfig original = gpt2;  // the transformer of 2017: norm after, sinusoids, ReLU
    original.norm_position = NormPosition::kPost;
    original.positions = PositionKind::kSinusoidal;
    original.feed_forward = FeedForward::kRelu;

    ModelConfig bert = gpt2;
    bert.norm_position = NormPosition::kPost;
    bert.feed_forward = FeedForward::kGelu;
    bert.causal = false;
    bert.embedding_norm = true;
    bert.token_types = 2;

    ModelConfig gemma = family_base();  // Gemma 3: a local layer, then one that sees all
    gemma.rope_theta = 1e6F;
    gemma.norm_eps = 1e-6F;
    gemma.rope_interleaved = false;
    gemma.norm_position = NormPosition::kBoth;
    gemma.feed_forward = FeedForward::kGeglu;
    gemma.qk_norm = true;
    gemma.explicit_head_dim = 32;
    gemma.scaled_embedding = true;
    gemma.window = 40;
    gemma.window_period = 2;
    gemma.local_rope_theta = 1e4F;
    gemma.rope_scale.kind = RopeScalingKind::kLinear;
    gemma.rope_scale.factor = 8.0F;

    return {{"llama", llama},       {"qwen", qwen},   {"gpt2", gpt2},
            {"original", original}, {"gemma", gemma}, {"bert", bert}};
}

/// Those that write text (and can be trained).
inline std::vector<Family> causal_families() {
    std::vector<Family> all = families();
    std::erase_if(all, [](const Family& family) { return !family.config.causal; });
    return all;
}

/// One whose rows are whole super-blocks, for K-quants.
inline Family wide_family() {
    ModelConfig wide = family_base();
    wide.dim = wide.hidden_dim = 256;
    wide.layers = 1;
    wide.tied_head = false;
    return {"wide", wide};
}

inline const std::vector<tensor::WeightType>& weight_types() {
    using T = tensor::WeightType;
    static const std::vector<T> types{T::kF32,     T::kF16,  T::kBf16, T::kQ8_0, T::kQ4_0,
                                      T::kW8A8Row, T::kQ4_1, T::kQ5_0, T::kQ5_1};
    return types;
}

inline const std::vector<tensor::WeightType>& k_quant_types() {
    using T = tensor::WeightType;
    static const std::vector<T> types{T::kQ4K, T::kQ5K, T::kQ6K};
    return types;
}

/// `values` narrowed to `type`. No code here quantises to K-quants: those get arbitrary bits, with
/// scales that keep the weights below 1.
inline void narrow(tensor::ConstMatrix values, tensor::WeightType type,
                   std::span<std::uint8_t> out) {
    if (std::ranges::count(k_quant_types(), type) == 0) {
        CHECK(tensor::quantise_weight(values, type, out.data()).ok());
        return;
    }
    const std::size_t block = tensor::weight_row_bytes(type, 256);
    const auto put = [](std::uint8_t* at, float value) {
        const std::uint16_t bits = tensor::f32_to_f16(value);
        std::memcpy(at, &bits, sizeof bits);
    };
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<std::uint8_t>(tensor::philox_u64(7, out.size(), i));
    for (std::size_t at = 0; at < out.size(); at += block) {
        if (type == tensor::WeightType::kQ6K) {
            put(&out[at + block - 2], 1e-4F);
            continue;
        }
        put(&out[at], type == tensor::WeightType::kQ4K ? 4e-4F : 2e-4F);
        put(&out[at + 2], 3e-3F);
    }
}

/// The matrices of products and of token embeddings narrowed to `type`; the rest stays fp32.
inline Model typed_model(const ModelConfig& config, std::span<const float> flat,
                         tensor::WeightType type) {
    struct Storage {
        std::vector<float> dense;
        std::vector<Bytes> narrow;
    };
    const ParameterLayout layout(config);
    auto storage = std::make_shared<Storage>();
    storage->dense.assign(flat.begin(), flat.end());
    Model model;
    model.config = config;
    model.weights = view_weights(layout, storage->dense);
    for (const TensorInfo& info : layout.tensors()) {
        if (type == tensor::WeightType::kF32 || !info.is_matrix ||
            info.kind == TensorKind::kPositionEmbedding || info.kind == TensorKind::kTypeEmbedding)
            continue;
        Bytes& bytes =
            storage->narrow.emplace_back(info.rows * tensor::weight_row_bytes(type, info.cols));
        const tensor::ConstMatrix values(storage->dense.data() + info.offset, info.rows, info.cols);
        narrow(values, type, bytes);
        tensor_at(model.weights, info.kind, info.layer) =
            tensor::Weight(type, info.rows, info.cols, bytes.data());
    }
    if (config.has_head() && config.tied_head) model.weights.head = model.weights.token_embedding;
    model.storage = std::move(storage);
    return model;
}

inline Model family_model(const Family& family, tensor::WeightType type, std::uint64_t seed = 5) {
    const ParameterLayout layout(family.config);
    return typed_model(family.config, large_parameters(layout, seed), type);
}

}  // namespace cairn::model
