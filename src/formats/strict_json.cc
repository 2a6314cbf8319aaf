#include "formats/strict_json.h"

#include <optional>
#include <set>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/json_depth.h"

namespace cairn::formats {

namespace {

using nlohmann::json;

// Sees a text pass without keeping it, for the first key that stands twice in one object. The
// parser could ask a callback about each key, but with one it looks through all that a list holds
// at the end of each object in it: a list of a million objects would take hours.
class RepeatedKey final : public nlohmann::json_sax<json> {
  public:
    const std::optional<std::string>& found() const { return found_; }

    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_array(std::size_t) override { return true; }
    bool end_array() override { return true; }
    bool start_object(std::size_t) override {
        open_.emplace_back();
        return true;
    }
    bool end_object() override {
        open_.pop_back();
        return true;
    }
    bool key(string_t& name) override {
        if (!found_ && !open_.back().insert(name).second) found_ = name;
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const json::exception&) override {
        return false;
    }

  private:
    std::vector<std::set<std::string>> open_;  // keys of the objects around the place read
    std::optional<std::string> found_;
};

}  // namespace

Result<json> parse_strict_json(std::string_view text, const std::string& name) {
    RETURN_IF_ERROR(check_json_depth(text, name));
    RepeatedKey repeated;
    json object;
    try {
        // What is no JSON is for the parser below to say.
        (void)json::sax_parse(text, &repeated);
        object = json::parse(text);
    } catch (const json::parse_error& problem) {
        return invalid(
            fmt::format("{} is not JSON from byte {} on; is it whole?", name, problem.byte));
    } catch (const json::exception&) {
        return invalid(name + " has a number that is too large");
    }
    if (repeated.found()) return invalid(name + " has " + *repeated.found() + " twice");
    if (!object.is_object()) return invalid(name + " is not a JSON object");
    return object;
}

}  // namespace cairn::formats
