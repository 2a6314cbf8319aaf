// Requests and answers as plain values, so that the code behind each path needs no socket.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cairn::api {

struct HttpRequest {
    std::string method;  ///< "GET", "POST"
    std::string path;    ///< decoded, without the query
    std::map<std::string, std::string> query;
    std::string host;  ///< of the Host field, without the port; empty: none, or malformed
    std::string content_type;
    std::string authorization;
    std::string body;
};

struct HttpResponse {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    unsigned retry_after_s = 0;  ///< with 503: when to ask again; 0 says nothing
};

using Respond = std::function<void(HttpResponse)>;

/// Splits "/a%20b?x=1&y=2" into path and query. kInvalid for bad escapes, or a name given twice.
Status parse_target(std::string_view target, HttpRequest& request);

}  // namespace cairn::api
