// A model as a Hugging Face folder: config.json, model.safetensors (or shards and their index),
// tokenizer.json, tokenizer_config.json. Tensors keep their type; bf16 stays bf16.
#pragma once

#include "formats/hf_config.h"
#include "formats/loaded_model.h"

namespace cairn::formats {

Result<LoadedModel> read_hf_folder(const std::string& folder,
                                   EncoderDecoders encoder_decoders = EncoderDecoders::kRefused);

/// What the files hold, by (modern) name.
Result<std::map<std::string, StoredTensor>> stored_hf_tensors(std::span<const SharedSource> files);
/// From parsed parts, for tests and fuzzing: every file holds some of the tensors. CHECKs that it
/// is no encoder-decoder, of which hf_encoder_decoder.h reads the parts.
Result<model::Model> read_hf_tensors(const HfConfig& config, std::span<const SharedSource> files);

}  // namespace cairn::formats
