// What the commands that rewrite a model file read: the model, its tokenizer, and the files beside
// them.
#pragma once

#include <string>
#include <vector>

#include "base/outputs.h"
#include "base/result.h"
#include "formats/load.h"

namespace cairn::cli {

/// All files that a model and its tokenizer are read from, so that none is written over.
std::vector<NamedPath> model_inputs(const std::string& model, const std::string& tokenizer);

/// The model's tokenizer travels with it; without one the model alone is written. kNotFound and
/// others for a tokenizer that was named.
Status attach_tokenizer(const std::string& model, const std::string& tokenizer,
                        formats::LoadedModel& loaded);

}  // namespace cairn::cli
