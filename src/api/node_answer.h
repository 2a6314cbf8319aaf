// What a node's API answers, read without trust: on the port of an api.json that a killed node
// left behind, any program may listen by now.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "api/client.h"

namespace cairn::api {

/// The object that the node answers; kIo, with what to do, for what is none.
Result<nlohmann::json> ask_node(const Client& client, const std::string& path);
/// The same for a request with a body.
Result<nlohmann::json> tell_node(const Client& client, const std::string& path,
                                 const nlohmann::json& body);

/// The field, if `object` is one and has it in this type; else `value` stays. For bool, double,
/// std::string and whole numbers of 32 and 64 bits without sign.
template <typename T>
bool read(const nlohmann::json& object, const char* name, T& value);

/// The list, empty where there is none.
nlohmann::json read_list(const nlohmann::json& object, const char* name);

}  // namespace cairn::api
