// A model as a GGUF file that llama.cpp loads and runs: llama, qwen2, qwen3, gemma3 and gpt2 (bert
// without a vocabulary). Any type that GGUF has is copied as it is; `type` converts matrices to
// f32, f16, bf16, q8_0, q4_0, q4_1, q5_0 or q5_1. Norms, biases and position embeddings are F32.
//
// The tokenizer goes along: byte-level BPE as "gpt2" with its merges, scored pieces as "llama". Our
// own BPE cuts text by a rule that llama.cpp does not have, so there a text may become other tokens
// than here (GPT-2's rule is the nearest); ids mean the same text in both, and that is what
// generation needs.
#pragma once

#include "formats/export_tensor.h"
#include "formats/gguf_names.h"
#include "formats/write_options.h"
#include "text/vocabulary.h"

namespace cairn::formats {

/// The architecture that computes what the configuration says; kUnsupported if none does.
Result<GgufArchitecture> gguf_architecture_of(const model::ModelConfig& config);

/// The vocabulary as llama.cpp demands it: every id has a piece, no two pieces are spelled alike.
text::VocabularyParts gguf_parts(text::VocabularyParts parts, std::uint32_t vocab);

Status write_gguf(const model::Model& model, const std::string& path, const WriteOptions& options);

}  // namespace cairn::formats
