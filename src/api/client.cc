#include "api/client.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "base/json_depth.h"
#include "http/client.h"

namespace cairn::api {

namespace {

/// A node that says that it is busy is asked again: so often in all, after this pause.
constexpr int kMaxTries = 5;
constexpr auto kBusyPause = std::chrono::milliseconds(1000);

/// An answer of a node always states its length.
bool is_nodes(const http::Answer& answer) {
    return answer.status != 0 && answer.field("content-length").has_value();
}

// The error in a refusal. Every refusal of a node has one: nullopt means that this is not a node's.
std::optional<Error> error_of(const http::Answer& response) {
    const auto json = nlohmann::json::parse(response.body, nullptr, false);
    if (!json.is_object() || !json.contains("error") || !json["error"].is_string())
        return std::nullopt;
    const ErrorCode code = response.status == 404   ? ErrorCode::kNotFound
                           : response.status == 501 ? ErrorCode::kUnsupported
                           : response.status < 500  ? ErrorCode::kInvalid
                                                    : ErrorCode::kIo;
    return Error{code, json["error"].get<std::string>()};
}

}  // namespace

Result<Client> Client::of_directory(const std::string& directory, std::uint64_t timeout_ms) {
    ASSIGN_OR_RETURN(ApiFile file, read_api_file(directory));
    return Client(std::move(file), timeout_ms);
}

Error Client::no_node() const {
    return io_error("what answers at " + file_.address +
                    " is no node of this version; if none runs, remove the api.json that one left "
                    "behind in its data directory");
}

Result<std::string> Client::get(const std::string& path) const { return ask(path, ""); }

Result<std::string> Client::post(const std::string& path, const std::string& json) const {
    return ask(path, json);
}

Result<std::string> Client::ask(const std::string& path, const std::string& json) const {
    for (int tries = 1;; ++tries) {
        ASSIGN_OR_RETURN(http::Answer answer, http::ask({.address = file_.address,
                                                         .path = path,
                                                         .json = json,
                                                         .token = json.empty() ? "" : file_.token,
                                                         .timeout_ms = timeout_ms_,
                                                         .who = "node"}));
        if (!is_nodes(answer)) return no_node();
        if (!answer.complete) return io_error("the node's answer is cut short");
        // Whoever answers may be a stranger, and copying what is nested by the million ends us.
        if (!check_json_depth(answer.body, "the answer").ok()) return no_node();
        if (answer.status == 200) return std::move(answer.body);
        const bool busy = answer.status == 503 && answer.field("retry-after").has_value();
        if (!busy || tries == kMaxTries) return error_of(answer).value_or(no_node());
        std::this_thread::sleep_for(kBusyPause);
    }
}

}  // namespace cairn::api
