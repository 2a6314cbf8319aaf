// How every command writes its JSON: in one line, and whatever bytes a path or a text brought
// along.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace cairn::console {

/// With its line's end. No other file of the room turns JSON into text (tools/tidy). Bytes that are
/// no UTF-8 are replaced: names of files may have any, and a result must not be lost for them after
/// the work is done.
std::string json_line(const nlohmann::json& json);
std::string json_line(const nlohmann::ordered_json& json);  ///< fields stay in their order

/// The same without the line's end, to stand among other text.
std::string json_text(const nlohmann::json& json);
std::string json_text(const nlohmann::ordered_json& json);

/// Indented, for a file that people open.
std::string json_page(const nlohmann::json& json);

}  // namespace cairn::console
