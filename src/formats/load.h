// Loading a model from whatever the user named: our checkpoint, a GGUF file, a Hugging Face folder
// (or its safetensors file), a llama2.c .bin. The content decides, never the file's name. Files are
// mapped (formats/mapped_source.h): weights stay where they are.
#pragma once

#include <memory>
#include <string>

#include "formats/loaded_model.h"
#include "text/tokenizer.h"

namespace cairn::formats {

/// Errors say what the file is instead, if that can be told, and what to do. kUnsupported for an
/// encoder-decoder unless those are taken: whoever runs, serves or trains one model has no place
/// for the other half.
Result<LoadedModel> load_any(const std::string& path,
                             EncoderDecoders encoder_decoders = EncoderDecoders::kRefused);

/// The same of a model that writes text, whose layers can be served and audited: kUnsupported for
/// an encoder alone, too.
Result<LoadedModel> load_writer(const std::string& path,
                                EncoderDecoders encoder_decoders = EncoderDecoders::kRefused);

/// The tokenizer for a model: `explicit_path` if given, else the one inside the checkpoint, else
/// tok<vocab>.bin, tokenizer.bin, tokenizer.json or vocab.txt beside the model. kNotFound with a
/// hint if there is none; kInvalid if it has more tokens than the model's vocabulary.
Result<std::unique_ptr<text::Tokenizer>> find_tokenizer(const model::Model& model,
                                                        const std::string& model_path,
                                                        const std::string& explicit_path);
/// The same, but only `explicit_path` stands in for a tokenizer of the model's own that cannot be
/// read; the error tells why.
Result<std::unique_ptr<text::Tokenizer>> find_tokenizer(const LoadedModel& loaded,
                                                        const std::string& model_path,
                                                        const std::string& explicit_path);

}  // namespace cairn::formats
