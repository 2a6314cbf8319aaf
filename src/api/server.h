// A node's API: a page and a little JSON over HTTP, on loopback unless told otherwise, and beside
// them OpenAI's API and a page that chats, with the chain's own model (chain_models.h). The server
// has a thread of its own for sockets; the node itself is asked on its Loop only. Paths and shapes:
// API.md.
//
//   node_options.started  = [&](NodeApi& node, Loop& loop) { server = *Server::start(...); };
//   node_options.stopping = [&] { server.reset(); };
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/loop.h"
#include "base/result.h"
#include "node/node_api.h"

namespace cairn::api {

struct ServerOptions {
    /// "host:port"; port 0 takes any that is free.
    std::string listen = "127.0.0.1:0";
    /// Where api.json goes (address and token for clients); empty: none is written.
    std::string directory;
    /// What the model is asked to continue for the page's samples.
    std::string sample_prompt = "And ";
    std::uint32_t sample_tokens = 48;
    /// That answer people with the chain's model.
    std::size_t threads = 1;
    /// That the node may take, of which that model may take half; 0: what is free now.
    std::uint64_t memory_bytes = 0;
};

class Server {
  public:
    /// Call on the node's loop. `node` and `loop` must outlive the Server. kRefused when the
    /// address is taken.
    static Result<std::unique_ptr<Server>> start(node::NodeApi& node, Loop& loop,
                                                 ServerOptions options);
    /// Call on the node's loop. Open requests are dropped; api.json is removed.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// "127.0.0.1:8420".
    const std::string& address() const;
    /// What POST requests must carry.
    const std::string& token() const;

  private:
    struct State;
    explicit Server(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace cairn::api
