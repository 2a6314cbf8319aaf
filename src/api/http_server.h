// The sockets of the API (Boost.Beast, in the .cc only): accepts a bounded number of connections
// on a thread of its own, reads bounded requests, hands each to a handler and writes its answer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "api/http.h"

namespace cairn::api {

inline constexpr std::size_t kMaxConnections = 64;
inline constexpr std::size_t kMaxRequestBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxRequestHeaderBytes = 16 * 1024;

/// How many connections to accept where the process may have `files` files open: at most a quarter
/// of these, so that whoever holds connections open cannot keep the node from opening its own
/// files.
std::size_t connection_bound(std::size_t files);

/// When all connections are taken, one that is without a request makes room for another, and
/// answered ones are closed, so that those who wait get their turn.
class HttpServer {
  public:
    /// Called on the server's thread; it must not block. `respond` may be called later and from
    /// any thread, once; after the server has gone it does nothing.
    using Handler = std::function<void(HttpRequest request, Respond respond)>;

    /// Listens on "host:port" (port 0: any). kRefused when the address is taken.
    static Result<std::unique_ptr<HttpServer>> start(const std::string& listen, Handler handler);
    /// Whether start() could listen there now: to find out before other work begins.
    static Status can_listen(const std::string& listen);
    /// Closes every connection and waits for the thread; the handler is not called again.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// "127.0.0.1:8420".
    const std::string& address() const { return address_; }

    struct Impl;

  private:
    HttpServer(std::shared_ptr<Impl> impl, std::string address);
    std::shared_ptr<Impl> impl_;
    std::string address_;
};

}  // namespace cairn::api
