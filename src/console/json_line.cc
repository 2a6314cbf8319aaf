#include "console/json_line.h"

#include <nlohmann/json.hpp>

namespace cairn::console {

namespace {

constexpr int kOneLine = -1;

template <typename Json>
std::string text_of(const Json& json, int indent) {
    return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string json_line(const nlohmann::json& json) { return text_of(json, kOneLine) + "\n"; }
std::string json_line(const nlohmann::ordered_json& json) { return text_of(json, kOneLine) + "\n"; }

std::string json_text(const nlohmann::json& json) { return text_of(json, kOneLine); }
std::string json_text(const nlohmann::ordered_json& json) { return text_of(json, kOneLine); }

std::string json_page(const nlohmann::json& json) { return text_of(json, 2) + "\n"; }

}  // namespace cairn::console
