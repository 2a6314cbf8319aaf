// JSON as the API writes it: on one line, and whatever bytes a model wrote.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace cairn::openai {

/// Bytes that are not UTF-8 are replaced.
std::string json_text(const nlohmann::ordered_json& json);
/// The same as an event of a stream: "data: {...}\n\n".
std::string event_text(const nlohmann::ordered_json& json);
/// What ends a stream of events.
inline constexpr const char* kLastEvent = "data: [DONE]\n\n";

}  // namespace cairn::openai
