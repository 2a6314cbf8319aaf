#include "openai/fields.h"

#include <cmath>
#include <limits>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace cairn::openai {

using Json = nlohmann::json;

Fields::Fields(const Json& object, std::string path, std::optional<ApiError>& problem)
    : object_(object), path_(std::move(path)), problem_(problem) {}

const Json* Fields::any(const std::string& name) {
    known_.insert(name);
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void Fields::fail(const std::string& name, const std::string& message) {
    if (!problem_) problem_ = bad_field(full_name(name), full_name(name) + " " + message);
}

std::optional<std::string> Fields::text(const std::string& name) {
    const Json* found = any(name);
    if (found == nullptr) return std::nullopt;
    if (found->is_string()) return found->get<std::string>();
    fail(name, "wants a text");
    return std::nullopt;
}

std::optional<bool> Fields::truth(const std::string& name) {
    const Json* found = any(name);
    if (found == nullptr) return std::nullopt;
    if (found->is_boolean()) return found->get<bool>();
    fail(name, "wants true or false");
    return std::nullopt;
}

std::optional<std::int64_t> Fields::whole(const std::string& name, std::int64_t least,
                                          std::int64_t most) {
    const Json* found = any(name);
    if (found == nullptr) return std::nullopt;
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const bool fits = found->is_number_unsigned() ? found->get<std::uint64_t>() <= kMost
                                                  : found->is_number_integer();
    if (fits && found->get<std::int64_t>() >= least && found->get<std::int64_t>() <= most)
        return found->get<std::int64_t>();
    fail(name, fmt::format("wants a whole number from {} to {}", least, most));
    return std::nullopt;
}

std::optional<double> Fields::number(const std::string& name, double least, double most) {
    const Json* found = any(name);
    if (found == nullptr) return std::nullopt;
    if (found->is_number()) {
        const auto value = found->get<double>();
        if (value >= least && value <= most) return value;
    }
    fail(name, fmt::format("wants a number from {} to {}", least, most));
    return std::nullopt;
}

const Json* Fields::list(const std::string& name) {
    const Json* found = any(name);
    if (found == nullptr || found->is_array()) return found;
    fail(name, "wants a list");
    return nullptr;
}

const Json* Fields::object(const std::string& name) {
    const Json* found = any(name);
    if (found == nullptr || found->is_object()) return found;
    fail(name, "wants an object");
    return nullptr;
}

void Fields::pass_over(std::initializer_list<const char*> names) {
    for (const char* name : names) known_.insert(name);
}

void Fields::refuse(const std::string& name, const std::string& why,
                    std::initializer_list<const char*> harmless) {
    const Json* found = any(name);
    if (found == nullptr || *found == false) return;
    if ((found->is_array() || found->is_object()) && found->empty()) return;
    if (found->is_string()) {
        const auto& text = found->get_ref<const std::string&>();
        if (text.empty()) return;
        for (const char* word : harmless)
            if (text == word) return;
    }
    if (!problem_)
        problem_ =
            unsupported_field(full_name(name), full_name(name) + " is not there yet: " + why);
}

void Fields::refuse_unknown() {
    for (const auto& [name, value] : object_.items()) {
        if (known_.contains(name) || value.is_null() || problem_) continue;
        problem_ = ApiError{400, "nothing is known of the field " + full_name(name),
                            full_name(name), "unknown_parameter", 0};
    }
}

}  // namespace cairn::openai
