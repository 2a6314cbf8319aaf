#include "formats/strict_json.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/json_depth.h"
#include "base/json_keys.h"

namespace cairn::formats {

using nlohmann::json;

Result<json> parse_strict_json(std::string_view text, const std::string& name,
                               std::size_t most_parts) {
    RETURN_IF_ERROR(check_json_depth(text, name));
    const JsonKeys keys = json_keys(text, most_parts);
    json object;
    try {
        if (keys.too_many)
            return invalid(
                fmt::format("{} has more than {} objects, lists and keys", name, most_parts));
        object = json::parse(text);
    } catch (const json::parse_error& problem) {
        // JavaScript makes such a text by cutting a character in two.
        if (std::string_view(problem.what()).find("surrogate") != std::string_view::npos)
            return invalid(fmt::format(
                "{} has half a character in a text, a surrogate such as \\ud83d without the other, "
                "at byte {}; send whole characters",
                name, problem.byte));
        return invalid(
            fmt::format("{} is not JSON from byte {} on; is it whole?", name, problem.byte));
    } catch (const json::exception&) {
        return invalid(name + " has a number that is too large");
    }
    if (keys.repeated) return invalid(name + " has " + *keys.repeated + " twice");
    if (!object.is_object()) return invalid(name + " is not a JSON object");
    return object;
}

}  // namespace cairn::formats
