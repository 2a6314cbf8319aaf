// GGUF's architectures as far as this program computes them, and how GGUF spells our tensors.
#pragma once

#include "formats/assemble.h"

namespace cairn::formats {

enum class GgufArchitecture { kLlama, kQwen2, kQwen3, kGemma3, kGpt2, kBert };

/// general.architecture.
std::string_view gguf_architecture_name(GgufArchitecture architecture);
std::optional<GgufArchitecture> gguf_architecture_named(std::string_view name);

/// Where a file of that architecture has one of our tensors; no name where it has no place for it.
TensorPlace gguf_place(GgufArchitecture architecture, const model::TensorInfo& info);

/// Which pairs rotary positions turn: llama's rows are stored permuted for (2i, 2i + 1).
inline bool gguf_rope_interleaved(GgufArchitecture architecture) {
    return architecture == GgufArchitecture::kLlama;
}

/// The tensor in which llama files say Llama 3's rope scaling: one divisor per frequency.
inline constexpr const char* kGgufRopeFactors = "rope_freqs.weight";

/// A key of the architecture: "llama.block_count".
std::string gguf_key(GgufArchitecture architecture, std::string_view key);

}  // namespace cairn::formats
