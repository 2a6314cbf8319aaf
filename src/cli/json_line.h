// How every command writes its JSON: in one line, and whatever bytes a path or a text brought
// along.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace cairn::cli {

/// With its line's end. Bytes that are no UTF-8 are replaced: names of files may have any, and a
/// result must not be lost for them after the work is done.
std::string json_line(const nlohmann::json& json);
std::string json_line(const nlohmann::ordered_json& json);  ///< fields stay in their order

}  // namespace cairn::cli
