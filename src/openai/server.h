// The API as a server: routes.h over sockets (http/http_server.h), on loopback unless told
// otherwise.
//
//   ASSIGN_OR_RETURN(const auto server, Server::start(host, {.listen = "127.0.0.1:8432"}));
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "host/text_host.h"
#include "openai/journal.h"

namespace cairn::openai {

/// Connections at once, where the process may have enough files open (http/http_server.h).
inline constexpr std::size_t kMaxConnections = 1024;

struct ServerOptions {
    /// "host:port"; port 0 takes any that is free.
    std::string listen = "127.0.0.1:0";
    /// What requests must carry; may be empty on loopback only.
    std::string token{};
    /// Told of every answered request; from any thread, one call at a time. It must not block.
    std::function<void(const JournalEntry&)> told{};
    /// What to do where the address is taken, for the error's end.
    std::string advice{};
};

class Server {
  public:
    /// `host` must outlive it, or end after take_no_more(). kRefused when the address is taken;
    /// kInvalid for an address beyond loopback without a token.
    static Result<std::unique_ptr<Server>> start(host::TextHost& host, ServerOptions options);
    /// Open requests are dropped.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// From when this returns, the host may end: what is under way goes on, and whatever else is
    /// asked is told that the server stops.
    void take_no_more();
    /// "127.0.0.1:8432".
    const std::string& address() const;

  private:
    struct State;
    explicit Server(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace cairn::openai
