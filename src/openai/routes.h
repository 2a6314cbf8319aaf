// What each path answers: OpenAI's API, /healthz, /metrics and the chat page. Nothing here blocks:
// the host answers from a thread of its own.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "host/text_host.h"
#include "http/message.h"
#include "openai/body_desk.h"
#include "openai/journal.h"

namespace cairn::openai {

/// What all routes share; what it points to outlives the server.
struct ApiContext {
    host::TextHost* host = nullptr;
    std::atomic<bool> is_stopping = false;  ///< the host is not to be asked any more
    Random* random = nullptr;               ///< used on the server's thread
    std::shared_ptr<Journal> journal;
    std::string token{};  ///< empty: none is needed
    std::atomic<bool> only_loopback_names =
        true;  ///< refuse other Host names (DNS rebinding by a web page)
    std::function<std::string()> http_metrics{};  ///< more lines for /metrics
    /// Null: long ones are read where they come, too, and answers put together where they end.
    std::shared_ptr<BodyDesk> bodies{};
    /// Held by whoever asks the host for text or vectors, after he has looked at is_stopping.
    mutable Mutex asking{};
};

/// Why the request with this head is refused whatever its body: a strange name or site, or a wrong
/// token. What only a browser asks for first (the page, its parts) and /healthz need no token.
std::optional<http::Response> refused(const ApiContext& context, const http::Request& head);

/// Answers a request that refused() let pass.
void route(const ApiContext& context, http::Request request,
           const std::shared_ptr<http::Reply>& reply);

/// What is asked while the server stops: 503.
http::Response stopping();
/// A refusal of the HTTP server's own, in OpenAI's shape.
http::Response refusal(unsigned status, const std::string& why);

}  // namespace cairn::openai
