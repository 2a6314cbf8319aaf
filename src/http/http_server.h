// A small HTTP server (Boost.Beast, in session_impl.h and .cc files only): accepts a bounded number
// of connections on a thread of its own, reads bounded requests, hands each to a handler and writes
// its answer, in one piece or as it is made.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http/message.h"

namespace cairn::http {

inline constexpr std::size_t kMaxConnections = 64;
inline constexpr std::size_t kMaxBodyBytes = std::size_t{1} << 20;
/// The bodies that are being received have at most this many times kMaxBodyBytes (or what the
/// options say) together. Short ones do not count.
inline constexpr std::size_t kMaxBodiesAtOnce = 32;
inline constexpr std::size_t kShortBodyBytes = std::size_t{64} << 10;
inline constexpr std::size_t kMaxRequestHeaderBytes = 16 * 1024;

/// How many of `wanted` connections to accept where the process may have `files` files open: at
/// most a quarter of these, so that whoever holds connections open cannot keep the program from
/// opening its own files.
std::size_t connection_bound(std::size_t files, std::size_t wanted = kMaxConnections);

struct HttpServerOptions {
    /// "host:port"; port 0 takes any that is free.
    std::string listen = "127.0.0.1:0";
    std::size_t max_connections = kMaxConnections;
    std::size_t max_body_bytes = kMaxBodyBytes;  ///< of a request
    /// How long a request's head, its body and an answer may take, and go without a byte. A body,
    /// or an answer in one piece, may take a second more for each 32 KiB that have moved.
    std::uint64_t patience_ms = 30'000;
    /// Asked on the server's thread when a request's head is there, before memory is spent on its
    /// body; an answer refuses it. Empty: every request is read.
    std::function<std::optional<Response>(const Request& head)> admit{};
    /// Called on the server's thread; it must not block.
    std::function<void(Request request, std::shared_ptr<Reply> reply)> handler;
    /// How a request is refused that never reaches the handler, in the shape of this API's errors.
    /// Where the head could not be read its path is empty.
    std::function<Response(unsigned status, const std::string& why, const Request& head)> refusal;
    /// What to do where the address is taken, for the error's end.
    std::string advice;
};

/// When all connections are taken, one that is without a request, or does not take its answer,
/// makes room for another, and answered ones are closed, so that those who wait get their turn.
/// When the bodies that are being received take too much memory, the one that takes longest is
/// dropped.
class HttpServer {
  public:
    /// kRefused when the address is taken.
    static Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options);
    /// Whether start() could listen there now: to find out before other work begins.
    static Status can_listen(const std::string& listen, const std::string& advice);
    /// Closes every connection and waits for the thread; the handler is not called again.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// "127.0.0.1:8420".
    const std::string& address() const { return address_; }
    /// How many are open now. From any thread.
    std::size_t connections() const;
    /// Runs `task` on the server's thread, if the server still runs then. From any thread.
    void call_after(std::uint64_t delay_ms, std::function<void()> task);

    struct Impl;

  private:
    HttpServer(std::shared_ptr<Impl> impl, std::string address);
    std::shared_ptr<Impl> impl_;
    std::string address_;
};

}  // namespace cairn::http
