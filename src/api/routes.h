// What each path answers (API.md). Runs on the node's loop, where the node may be asked directly.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/loop.h"
#include "http/message.h"
#include "node/node_api.h"

namespace cairn::api {

inline constexpr std::size_t kMaxSamples = 64;
/// Requests that wait for their turn, beside the one that is being answered: blocks, records and
/// coins are found and written one answer after another, beside the loop. Beyond it: 503.
inline constexpr std::size_t kMaxWaitingRequests = 16;

/// What all routes share. Used on the loop only; the owner sets `node` to null before the node
/// goes.
struct ApiContext {
    node::NodeApi* node = nullptr;
    Loop* loop = nullptr;
    std::string token;
    bool only_loopback_names = true;  ///< refuse other Host names (DNS rebinding by a web page)
    std::string sample_prompt;
    std::uint32_t sample_tokens = 0;

    std::vector<std::pair<std::uint64_t, std::string>> samples;  ///< (merge height, text)
    bool sampling = false;

    std::deque<std::function<void()>> waiting;
    bool answering = false;  ///< one that waited has its turn
};

/// Answers `request`, now or later. `context` is shared because an answer may come after the server
/// has gone.
void route(const std::shared_ptr<ApiContext>& context, const http::Request& request,
           const http::Respond& respond);

/// Why a command with this head is refused whatever its body says: a strange name, or no token.
std::optional<http::Response> refused_command(const http::Request& head, const std::string& token,
                                              bool only_loopback_names);

/// {"error": why}.
http::Response refusal(unsigned status, const std::string& why);
http::Response error_response(const Error& error);

/// What to do where the API's address is taken.
inline constexpr const char* kAdvice =
    "; choose another place with --api HOST:PORT (port 0: any that is free)";

}  // namespace cairn::api
