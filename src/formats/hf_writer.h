// A model as a Hugging Face folder: config.json, model.safetensors or shards with their index,
// tokenizer.json, tokenizer_config.json, generation_config.json. Files are complete on disk before
// the first of them gets its name, and config.json, without which it is no model, gets it last.
#pragma once

#include "formats/write_options.h"
#include "model/weights.h"

namespace cairn::formats {

/// f32, f16 or bf16 (kUnsupported otherwise); without a type tensors keep theirs, quantised ones
/// become f32. kRefused where a file is already there, unless files may be replaced; then weights
/// of an older model in the folder are removed, other files are left alone.
Status write_hf_folder(const model::Model& model, const std::string& folder,
                       const WriteOptions& options);

}  // namespace cairn::formats
