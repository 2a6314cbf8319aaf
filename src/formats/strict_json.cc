#include "formats/strict_json.h"

#include <optional>
#include <set>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/json_depth.h"

namespace cairn::formats {

using nlohmann::json;

Result<json> parse_strict_json(std::string_view text, const std::string& name) {
    RETURN_IF_ERROR(check_json_depth(text, name));
    std::vector<std::set<std::string>> open;  // keys of the objects around the place read
    std::optional<std::string> twice;
    const auto look = [&](int, json::parse_event_t event, json& value) {
        if (event == json::parse_event_t::object_start) open.emplace_back();
        if (event == json::parse_event_t::object_end) open.pop_back();
        if (event == json::parse_event_t::key && !twice) {
            const auto& key = value.get_ref<const std::string&>();
            if (!open.back().insert(key).second) twice = key;
        }
        return true;
    };
    json object;
    try {
        object = json::parse(text, look);
    } catch (const json::parse_error& problem) {
        return invalid(
            fmt::format("{} is not JSON from byte {} on; is it whole?", name, problem.byte));
    } catch (const json::exception&) {
        return invalid(name + " has a number that is too large");
    }
    if (twice) return invalid(name + " has " + *twice + " twice");
    if (!object.is_object()) return invalid(name + " is not a JSON object");
    return object;
}

}  // namespace cairn::formats
