// Loading a model from whatever the user named: our checkpoint, a llama2.c .bin, a safetensors file
// or its folder. The content decides, never the file's name.
#pragma once

#include <memory>
#include <string>

#include "model/tokenizer.h"
#include "model/weights.h"

namespace cairn::model {

/// "cairn", "llama2c", "safetensors".
struct LoadedModel {
    Model model;
    std::string format;
};

/// Errors say what the file is instead, if that can be told, and what to do.
Result<LoadedModel> load_any(const std::string& path);

/// The tokenizer for a model: `explicit_path` if given, else the one inside the checkpoint, else
/// tok<vocab>.bin or tokenizer.bin beside the model. kNotFound with a hint if there is none;
/// kInvalid if it has more tokens than the model's vocabulary.
Result<std::unique_ptr<Tokenizer>> find_tokenizer(const Model& model, const std::string& model_path,
                                                  const std::string& explicit_path);

}  // namespace cairn::model
