#include "api/node_answer.h"

#include <cstdint>
#include <limits>
#include <type_traits>

#include <nlohmann/json.hpp>

namespace cairn::api {

namespace {

using Json = nlohmann::json;

Result<Json> object_of(const Client& client, const std::string& text) {
    Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) return client.no_node();
    return json;
}

template <typename T>
bool has_type(const Json& value) {
    if constexpr (std::is_same_v<T, bool>) {
        return value.is_boolean();
    } else if constexpr (std::is_same_v<T, double>) {
        return value.is_number();
    } else if constexpr (std::is_same_v<T, std::string>) {
        return value.is_string();
    } else {
        return value.is_number_unsigned() &&
               value.template get<std::uint64_t>() <= std::numeric_limits<T>::max();
    }
}

}  // namespace

Result<Json> ask_node(const Client& client, const std::string& path) {
    ASSIGN_OR_RETURN(const std::string text, client.get(path));
    return object_of(client, text);
}

Result<Json> tell_node(const Client& client, const std::string& path, const Json& body) {
    ASSIGN_OR_RETURN(const std::string text,
                     client.post(path, body.dump(-1, ' ', false, Json::error_handler_t::replace)));
    return object_of(client, text);
}

template <typename T>
bool read(const Json& object, const char* name, T& value) {
    if (!object.is_object()) return false;
    const auto found = object.find(name);
    if (found == object.end() || !has_type<T>(*found)) return false;
    value = found->template get<T>();
    return true;
}

template bool read(const Json&, const char*, bool&);
template bool read(const Json&, const char*, double&);
template bool read(const Json&, const char*, std::string&);
template bool read(const Json&, const char*, std::uint32_t&);
template bool read(const Json&, const char*, std::uint64_t&);

Json read_list(const Json& object, const char* name) {
    if (!object.is_object()) return Json::array();
    const auto found = object.find(name);
    return found != object.end() && found->is_array() ? *found : Json::array();
}

}  // namespace cairn::api
