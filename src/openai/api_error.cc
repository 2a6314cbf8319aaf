#include "openai/api_error.h"

#include <nlohmann/json.hpp>

#include "openai/json_text.h"

namespace cairn::openai {

namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned kServerError = 500;
constexpr unsigned kTooManyRequests = 429;
constexpr unsigned kUnavailable = 503;
constexpr unsigned kRetryAfterS = 1;
constexpr unsigned kNotReadyAfterS = 5;  // a block or two

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

std::string type_of(const ApiError& error) {
    if (error.status >= kServerError) return "server_error";
    return error.status == kTooManyRequests ? "requests" : "invalid_request_error";
}

bool has_failed(const host::TextHost& host, const std::string& model) {
    for (const host::HostedModel& known : host.models())
        if (known.id == model || model.empty()) return known.state == host::ModelState::kFailed;
    return false;
}

}  // namespace

ApiError bad_field(const std::string& param, const std::string& message) {
    return {400, message, param, "invalid_value", 0};
}

ApiError unsupported_field(const std::string& param, const std::string& message) {
    return {400, message, param, "unsupported_parameter", 0};
}

ApiError of_host(const host::HostError& error, const host::TextHost& host,
                 const std::string& model) {
    switch (error.kind) {
        case host::HostErrorKind::kNoSuchModel:
            return {404, error.message, "model", "model_not_found", 0};
        case host::HostErrorKind::kNotReady:
            return {kUnavailable, error.message, "model", "model_not_ready", kNotReadyAfterS};
        case host::HostErrorKind::kModelFailed:
            if (has_failed(host, model))
                return {kServerError, error.message, "model", "model_failed", 0};
            return {400, error.message, "model", "model_not_supported", 0};
        case host::HostErrorKind::kTooLong:
            return {400, error.message, error.field, "context_length_exceeded", 0};
        case host::HostErrorKind::kInvalid:
            return bad_field(error.field, error.message);
        case host::HostErrorKind::kFull:
            return {kTooManyRequests, error.message, "", "rate_limit_exceeded", kRetryAfterS};
        case host::HostErrorKind::kInternal:
            break;
    }
    return {kServerError, error.message, "", "internal_error", 0};
}

std::string error_json(const ApiError& error) {
    return json_text({{"error",
                       {{"message", error.message},
                        {"type", type_of(error)},
                        {"param", text_or_null(error.param)},
                        {"code", text_or_null(error.code)}}}});
}

http::Response error_response(const ApiError& error) {
    http::Response response{error.status, "application/json", error_json(error)};
    response.retry_after_s = error.retry_after_s;
    return response;
}

}  // namespace cairn::openai
