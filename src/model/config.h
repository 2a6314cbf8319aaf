// ModelConfig: the shape of a Llama-style transformer, as a value with one canonical encoding.
// It is part of a network's definition and of every checkpoint, so it comes from outside:
// validate() bounds every field before anything is allocated from it.
//
// CONSENSUS: changing a result here splits the network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/codec.h"

namespace cairn::model {

struct ModelConfig {
    std::uint32_t dim = 0;         ///< width C of the residual stream
    std::uint32_t hidden_dim = 0;  ///< width of the SwiGLU branch
    std::uint32_t layers = 0;
    std::uint32_t heads = 0;     ///< query heads; dim / heads is the (even) head dimension
    std::uint32_t kv_heads = 0;  ///< key and value heads; divides heads
    std::uint32_t vocab = 0;
    std::uint32_t context = 0;  ///< longest sequence, in tokens
    float rope_theta = 10000.0F;
    float norm_eps = 1e-5F;
    bool tied_head = true;         ///< the output head is the token embedding
    bool rope_interleaved = true;  ///< pairs (2i, 2i+1) as llama2.c; else halves as Hugging Face

    std::uint32_t head_dim() const { return dim / heads; }
    /// Width of one position's keys (and of its values).
    std::uint32_t kv_dim() const { return head_dim() * kv_heads; }

    bool operator==(const ModelConfig&) const = default;
};

inline constexpr std::uint32_t kMaxDim = 1U << 15;
inline constexpr std::uint32_t kMaxHiddenDim = 1U << 17;
inline constexpr std::uint32_t kMaxLayers = 1U << 9;
inline constexpr std::uint32_t kMaxVocab = 1U << 19;
inline constexpr std::uint32_t kMaxContext = 1U << 20;
inline constexpr std::uint64_t kMaxParameters = std::uint64_t{1} << 36;

/// kInvalid with the field and its bound if the shape is not one that this program computes.
Status validate(const ModelConfig& config);

/// The canonical bytes (fixed size); decode validates.
void encode(const ModelConfig& config, Writer& writer);
Result<ModelConfig> decode_config(Reader& reader);

/// One line for people: "dim 64, hidden 172, 5 layers, ...".
std::string describe(const ModelConfig& config);

}  // namespace cairn::model
