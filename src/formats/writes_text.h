// Whether a model writes text, from the description in its file or folder alone: for a list of many
// models, of which few are ever loaded.
#pragma once

#include <optional>
#include <string>

namespace cairn::formats {

/// False for an encoder, which makes vectors only. Nothing where the description cannot be read,
/// and for an encoder-decoder, which nobody who lists models can run.
std::optional<bool> writes_text(const std::string& path);

}  // namespace cairn::formats
