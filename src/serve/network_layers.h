// NetworkLayers: other people's machines as an infer::LayerStack, for a program that simply calls
// and waits: `cairn generate --server`. It has a key of its own, made for this session and thrown
// away, so that its key does not tell servers that two prompts are one person's; a loop on a thread
// of its own keeps the connections alive between calls.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "infer/generate.h"
#include "serve/remote_layers.h"
#include "serve/session_diary.h"

namespace cairn::serve {

struct NetworkLayersOptions {
    RemoteOptions remote;  ///< its `note` is called from the loop's thread
    ClientOptions client;
    Hash256 genesis;  ///< of the servers' network; all zeros: pure layer servers
    /// Pays servers that have a price, on the loop's thread; null: they are not used.
    std::shared_ptr<Purse> purse = nullptr;
    /// The chance with which a session is kept to be audited (session_diary.h).
    double audit = 0;
};

class NetworkLayers final : public infer::LayerStack {
  public:
    /// Finds servers that together hold all layers of the model and opens a session over them.
    /// The model is named by its content hash (serve/model_snapshot.h).
    static Result<std::unique_ptr<NetworkLayers>> connect(const Hash256& model,
                                                          const model::ModelConfig& config,
                                                          const NetworkLayersOptions& options);
    /// The same; `cancelled` is asked now and then meanwhile, and once it is true: kCancelled.
    static Result<std::unique_ptr<NetworkLayers>> connect(const Hash256& model,
                                                          const model::ModelConfig& config,
                                                          const NetworkLayersOptions& options,
                                                          const std::function<bool()>& cancelled);
    /// The servers that it would use first, and those that could stand in for them, one of each
    /// key: what they hold and ask for, before anything is opened.
    static Result<std::vector<Hop>> look(const Hash256& model, const model::ModelConfig& config,
                                         const NetworkLayersOptions& options);
    ~NetworkLayers() override;

    /// Waits for the result, also while lost servers are replaced.
    Status forward(std::span<float> hidden) override;
    /// The servers take them back with the next push.
    Status truncate(std::size_t length) override;

    /// From any thread: frees the caches on all hops, and a call that waits ends with kCancelled.
    void cancel();
    /// How long a sentence waits for a server, from here on; RemoteOptions::wait_ms until then.
    void set_wait_ms(std::uint64_t wait_ms);
    /// Another text begins: failovers(), longest_stall_ms() and work() are of it alone.
    void begin_text();
    /// The hops in use now, and how many times a route had to be replaced.
    std::vector<Hop> route();
    std::size_t failovers();
    /// RemoteLayers::longest_stall_ms().
    std::uint64_t longest_stall_ms();
    /// ClientSessions::work().
    std::vector<ServerWork> work();
    /// Sessions that were drawn to be audited, since the last call.
    std::vector<SessionDiary> diaries();
    /// SessionDiaries::so_far(): the sessions go on.
    std::vector<SessionDiary> diaries_so_far();
    /// What vouchers were given for, in the coin's smallest unit.
    std::uint64_t spent();

  private:
    struct Impl;
    explicit NetworkLayers(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::serve
