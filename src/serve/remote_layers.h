// RemoteLayers: all layers of a model, computed by other machines, as one function from hidden
// states to hidden states that survives the loss of a server. It keeps every input of the
// sequence; when a hop dies, stalls or is found wrong, it opens a session over the servers that are
// left, rebuilds their caches by prefill of the kept inputs, and goes on. Because the arithmetic is
// the same everywhere, the text continues token for token as if nothing had happened (S31).
//
// Works on the loop, by callbacks. A caller that wants to wait instead uses NetworkLayers.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "serve/client.h"
#include "serve/route.h"

namespace cairn::serve {

struct RemoteOptions {
    std::vector<std::string> servers;  ///< "host:port" of those that may be asked
    std::uint32_t max_positions = 0;
    tensor::KvType kv = tensor::KvType::kF32;  ///< of the caches on the servers
    std::size_t max_failovers = 8;             ///< in the life of the sequence
    /// Called with a sentence when a route is chosen or replaced; may be empty.
    std::function<void(const std::string&)> note;
};

class RemoteLayers {
  public:
    using ForwardCallback = std::function<void(Result<States>)>;

    /// `client` must outlive it. `model` and `config` name the model whose layers are wanted.
    RemoteLayers(Client& client, const Hash256& model, const model::ModelConfig& config,
                 RemoteOptions options);
    ~RemoteLayers();
    RemoteLayers(const RemoteLayers&) = delete;
    RemoteLayers& operator=(const RemoteLayers&) = delete;

    /// Finds servers, chooses a route, opens the session.
    void start(std::function<void(Status)> done);
    /// hidden[n, dim], any n >= 1, through all layers; one call at a time.
    void forward(States hidden, ForwardCallback done);
    /// Frees the caches on all hops.
    void close();

    const std::vector<Hop>& route() const { return route_; }
    std::size_t positions() const { return inputs_.size() / config_.dim; }
    std::size_t failovers() const { return failovers_; }

  private:
    void discover(std::function<void(Status)> done);
    void open_route(std::function<void(Status)> done);
    void drop_server(const Failure& failure);
    void recover(const Failure& failure);
    void send_next();
    void on_piece(std::variant<States, Failure> answer);
    void finish(Result<States> result);

    Client& client_;
    Hash256 model_;
    model::ModelConfig config_;
    RemoteOptions options_;
    std::vector<Announce> offers_;
    std::vector<crypto::PublicKey> dropped_;
    std::vector<Hop> route_;
    Hash256 session_;
    bool open_ = false;
    std::size_t failovers_ = 0;

    States inputs_;                // every input since position 0, [positions, dim]
    std::size_t computed_ = 0;     // rows of inputs_ that this session has computed
    std::size_t wanted_from_ = 0;  // first row of the call under way
    States outputs_;               // of the call under way
    ForwardCallback done_;
    Alive alive_;
};

}  // namespace cairn::serve
