// For tests: a BART of a few thousand parameters as a Hugging Face folder has it, with weights that
// a formula gives, so that other programs can compute with the same ones.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/bytes.h"
#include "base/encoding.h"

namespace cairn::formats {

inline constexpr std::size_t kBartVocab = 11;
inline constexpr std::size_t kDim = 8;

struct Named {
    std::string name;
    std::vector<std::uint64_t> shape;
};

// A number in [-1, 1) from a tensor's name and an index.
inline float hashed_number(const std::string& name, std::uint32_t index) {
    std::uint32_t hash = 2166136261U;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    std::uint32_t x = index * 2654435761U + hash;
    x ^= x >> 16U;
    x *= 0x45D9F3BU;
    x ^= x >> 16U;
    return static_cast<float>(x >> 8U) / 0x1p23F - 1.0F;
}

inline float bart_value(const std::string& name, std::uint32_t index, float head_bias) {
    const float v = hashed_number(name, index);
    if (name == "final_logits_bias") return head_bias == 0 ? 0 : head_bias * v;
    if (name.ends_with("bias")) return 0.25F * v;
    if (name.find("norm") != name.npos) return 1.0F + 0.5F * v;
    if (name.find("embed") != name.npos || name.find("shared") != name.npos) return v;
    return 0.5F * v;
}

inline void add_linear(std::vector<Named>& all, const std::string& name, std::size_t out,
                       std::size_t in) {
    all.push_back({name + ".weight", {out, in}});
    all.push_back({name + ".bias", {out}});
}

inline void add_norm(std::vector<Named>& all, const std::string& name) {
    all.push_back({name + ".weight", {kDim}});
    all.push_back({name + ".bias", {kDim}});
}

inline void add_half(std::vector<Named>& all, const std::string& half, std::size_t layers,
                     std::size_t hidden) {
    all.push_back({half + ".embed_positions.weight", {14, kDim}});
    add_norm(all, half + ".layernorm_embedding");
    for (std::size_t i = 0; i < layers; ++i) {
        const std::string layer = half + ".layers." + std::to_string(i) + ".";
        for (const char* attention : {"self_attn", "encoder_attn"}) {
            if (attention == std::string("encoder_attn") && half.ends_with("encoder")) continue;
            for (const char* part : {"q", "k", "v", "out"})
                add_linear(all, layer + attention + "." + part + "_proj", kDim, kDim);
            add_norm(all, layer + attention + "_layer_norm");
        }
        add_linear(all, layer + "fc1", hidden, kDim);
        add_linear(all, layer + "fc2", kDim, hidden);
        add_norm(all, layer + "final_layer_norm");
    }
}

inline std::vector<Named> bart_names(std::size_t vocab = kBartVocab) {
    std::vector<Named> all{{"model.shared.weight", {vocab, kDim}},
                           {"final_logits_bias", {1, vocab}}};
    add_half(all, "model.encoder", 1, 12);
    add_half(all, "model.decoder", 2, 10);
    return all;
}

// `name` may be another than the one that the values are made of.
struct StoredValues {
    Named tensor;
    std::string from;
};

inline Bytes safetensors_of(const std::vector<StoredValues>& all, float head_bias = 0) {
    std::string header;
    std::size_t at = 0;
    Writer values;
    for (const auto& [tensor, from] : all) {
        std::size_t count = 1;
        for (const std::uint64_t n : tensor.shape) count *= n;
        header += fmt::format(R"({}"{}":{{"dtype":"F32","shape":[{}],"data_offsets":[{},{}]}})",
                              header.empty() ? "" : ",", tensor.name, fmt::join(tensor.shape, ","),
                              at, at + 4 * count);
        at += 4 * count;
        for (std::uint32_t i = 0; i < count; ++i)
            values.u32(std::bit_cast<std::uint32_t>(bart_value(from, i, head_bias)));
    }
    const std::string text = "{" + header + "}";
    Writer file;
    file.u64(text.size());
    file.raw(as_bytes(text));
    file.raw(values.out());
    return std::move(file).take();
}

inline std::vector<StoredValues> bart_tensors(std::size_t vocab = kBartVocab) {
    std::vector<StoredValues> all;
    for (const Named& tensor : bart_names(vocab)) all.push_back({tensor, tensor.name});
    return all;
}

inline std::string bart_config(std::size_t vocab = kBartVocab) {
    return fmt::format(
        R"({{"model_type":"bart","vocab_size":{},"d_model":{},"encoder_layers":1,)"
        R"("decoder_layers":2,"encoder_attention_heads":2,"decoder_attention_heads":4,)"
        R"("encoder_ffn_dim":12,"decoder_ffn_dim":10,"max_position_embeddings":12,)"
        R"("decoder_start_token_id":2,"bos_token_id":0}})",
        vocab, kDim);
}

}  // namespace cairn::formats
