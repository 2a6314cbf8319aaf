#include "openai/json_text.h"

#include <nlohmann/json.hpp>

namespace cairn::openai {

std::string json_text(const nlohmann::ordered_json& json) {
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string event_text(const nlohmann::ordered_json& json) {
    return "data: " + json_text(json) + "\n\n";
}

}  // namespace cairn::openai
