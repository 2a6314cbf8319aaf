// Writing a model in any of the formats that this program writes, for `cairn model convert`.
#pragma once

#include "formats/write_options.h"
#include "model/weights.h"

namespace cairn::formats {

enum class ModelFormat { kCairn, kGguf, kHuggingFace };

/// "cairn", "gguf", "hf".
std::string_view model_format_name(ModelFormat format);
/// By `name` if it is not empty, else by the path: .cairn, .gguf, or a folder (no extension).
Result<ModelFormat> model_format_for(const std::string& path, const std::string& name);

/// Afterwards the file or folder is there complete, or (after an error) not at all.
Status save_model(const model::Model& model, ModelFormat format, const std::string& path,
                  const WriteOptions& options);

}  // namespace cairn::formats
