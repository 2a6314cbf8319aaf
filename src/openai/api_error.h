// Errors as OpenAI's API has them, so that its clients know what happened and whether to try again:
//   {"error": {"message": ..., "type": ..., "param": ..., "code": ...}}
#pragma once

#include <string>
#include <variant>

#include "host/text_host.h"
#include "http/message.h"

namespace cairn::openai {

struct ApiError {
    unsigned status = 400;
    std::string message;
    std::string param{};  ///< the field of the request that is to blame; empty: null
    std::string code{};   ///< for programs; empty: null
    unsigned retry_after_s = 0;
};

/// A value, or why the request is refused.
template <typename T>
using Checked = std::variant<T, ApiError>;

/// 400, naming a field such as "messages[0].content".
ApiError bad_field(const std::string& param, const std::string& message);
/// 400 for a field that is understood, and means something that this server cannot do.
ApiError unsupported_field(const std::string& param, const std::string& message);
/// What `host` said of a request to `model`. A model that cannot be loaded is the server's failure;
/// one that cannot do what is asked is the asker's.
ApiError of_host(const host::HostError& error, const host::TextHost& host,
                 const std::string& model);

std::string error_json(const ApiError& error);
http::Response error_response(const ApiError& error);

}  // namespace cairn::openai
