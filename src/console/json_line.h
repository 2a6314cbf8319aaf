// How every command writes its JSON: in one line, and whatever bytes a path or a text brought
// along.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace cairn::console {

/// Ends with a newline. No command turns JSON into text in another way (tools/tidy). Bytes that are
/// not UTF-8 are replaced: file names may contain any bytes, and that must not cost the result when
/// the work is already done.
std::string json_line(const nlohmann::json& json);
std::string json_line(const nlohmann::ordered_json& json);  ///< fields stay in their order

/// The same without the line's end, to stand among other text.
std::string json_text(const nlohmann::json& json);
std::string json_text(const nlohmann::ordered_json& json);

/// Indented, for a file that people open.
std::string json_page(const nlohmann::json& json);

}  // namespace cairn::console
