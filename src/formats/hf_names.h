// Hugging Face's families as far as this program computes them, and how their safetensors spell our
// tensors.
#pragma once

#include "formats/assemble.h"

namespace cairn::formats {

/// config.json's model_type; Mistral is Llama by another name.
enum class HfFamily { kLlama, kMistral, kQwen2, kQwen3, kGemma3, kGpt2, kBert, kBart };

std::string_view hf_family_name(HfFamily family);
std::optional<HfFamily> hf_family_named(std::string_view name);

/// What names begin with when the whole model was saved; a bare encoder or decoder has no prefix.
std::string_view hf_prefix(HfFamily family);

/// Where a model has one of our tensors; the head stands outside of the prefix. BART's halves have
/// a prefix each, "model.encoder." and "model.decoder.".
TensorPlace hf_place(HfFamily family, std::string_view prefix, const model::TensorInfo& info);

/// Whether files may carry the tensor although it is computed, tied or for another task.
bool is_hf_redundant(HfFamily family, const model::ModelConfig& config, std::string_view name);

/// Old names of norms: "LayerNorm.gamma" is "LayerNorm.weight".
std::string modern_hf_name(std::string name);

}  // namespace cairn::formats
