// Models in files: what a person names becomes sources of models, each with an id of its own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host/model_source.h"

namespace cairn::host {

inline constexpr std::size_t kMaxHostedModels = 1024;

/// A source for each model that a path names: a model file or a Hugging Face folder, which is
/// wanted from the start, or a folder of them (*.gguf, *.cairn, folders with a config.json), each
/// wanted when somebody asks for it. The id is the file's name without its ending, and a number
/// behind it where another has it. kNotFound for a path that does not exist or a folder without a
/// model, kFull for too many models.
Result<std::vector<std::unique_ptr<ModelSource>>> model_files(
    const std::vector<std::string>& paths);

}  // namespace cairn::host
