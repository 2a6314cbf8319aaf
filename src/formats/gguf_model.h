// A model from a GGUF file: llama (interleaved rope), qwen2, qwen3, gemma3 (halves), gpt2 and bert,
// with weights in F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K or Q6_K where the file
// has them, and its vocabulary as a tokenizer. What this program would compute differently is
// refused (kUnsupported) with the key or tensor that asks for it.
#pragma once

#include "formats/gguf.h"
#include "formats/loaded_model.h"
#include "text/vocabulary.h"

namespace cairn::formats {

/// The shape that the keys (and the tensors that are there) describe.
Result<model::ModelConfig> gguf_config(const GgufHeader& header);

/// Our own key: number and flags (AddedFlag) of each added token that has flags.
inline constexpr const char* kAddedTokensKey = "cairn.tokenizer.added_tokens";

/// tokenizer.ggml.* under neutral names; kNotFound if the file has no vocabulary.
Result<text::VocabularyParts> gguf_vocabulary(const GgufHeader& header);

Result<LoadedModel> read_gguf(const SharedSource& source);

}  // namespace cairn::formats
