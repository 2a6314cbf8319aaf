// What each path answers (API.md). Runs on the node's loop, where the node may be asked directly.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/http.h"
#include "node/node_api.h"

namespace cairn::api {

inline constexpr std::size_t kMaxSamples = 64;
inline constexpr std::size_t kMaxBlocksPerAnswer = 500;
inline constexpr std::size_t kMaxRecordsPerAnswer = 1000;
inline constexpr std::uint32_t kMaxGeneratedTokens = 2048;

/// What the paths' answers are made from: the node and the samples shown so far. Lives on the
/// node's loop; the owner clears `node` when the node goes.
struct ApiContext {
    node::NodeApi* node = nullptr;
    std::string token;
    bool only_loopback_names = true;  ///< refuse other Host names (a web page's rebound DNS)
    std::string sample_prompt;
    std::uint32_t sample_tokens = 0;

    std::vector<std::pair<std::uint64_t, std::string>> samples;  ///< (merge height, text)
    bool sampling = false;
};

/// Answers `request`, now or later. `context` is shared because answers may outlive the server.
void route(const std::shared_ptr<ApiContext>& context, const HttpRequest& request,
           const Respond& respond);

HttpResponse error_response(const Error& error);

}  // namespace cairn::api
