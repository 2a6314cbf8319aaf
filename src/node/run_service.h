// The layer service of a node process: layer_service.h over a listening place of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/tls_network.h"
#include "node/layer_service.h"

namespace cairn::node {

struct NodeServing {
    std::string layers;                  ///< see serve::parse_layers; "auto": it chooses, and moves
    double least_tokens_per_s = 0;       ///< through its layers; a slower machine does not serve
    std::string model_file;              ///< empty: the chain's own model
    std::string listen = "127.0.0.1:0";  ///< "host:port" for clients, port 0: any
    /// Where they reach it; empty: through the first of `through` that passes links on, or where it
    /// listens.
    std::string address;
    net::RelayOptions relay;           ///< links between others that are passed on
    std::vector<std::string> through;  ///< layer servers that pass links on to it: "host:port"
    /// Attention is proved of sessions of so many rows at most; 0: of none.
    std::uint32_t prove_rows = serve::AttentionDeskOptions{}.max_rows;
    std::uint64_t price = 0;  ///< of 1,000 rows through one layer, smallest units
    /// Called on the loop with each model that is served from then on. May be empty.
    std::function<void(const ServingView&)> began;
    /// Called on the loop: whether others reach it through that relay now. May be empty.
    std::function<void(const net::RelayedAddress& address, bool passes_on)> relay_answered;
};

/// The model of the file; null where none is named. kUnsupported for one whose layers cannot be
/// served, kInvalid for layers that it, or else the network's model with so many, does not have.
Result<std::shared_ptr<const model::Model>> load_served(const NodeServing& serving,
                                                        std::uint32_t network_layers);

class RunService {
  public:
    /// Opens the listening place. Errors of that. Everything must outlive it, the loop excepted.
    static Result<std::unique_ptr<RunService>> open(net::AsioLoop& loop, Random& random,
                                                    const crypto::SecretKey& key,
                                                    const NodeServing& serving);

    /// `fixed` as load_served() gave it.
    void start(const Clock& clock, const tensor::Kernels& kernels, Node& node, Disk& disk,
               std::shared_ptr<const model::Model> fixed, std::size_t threads);
    /// Drops all links: before the loop ends.
    void end_links();
    /// Null before it was started.
    LayerService* service() { return service_.get(); }

  private:
    RunService(net::AsioLoop& loop, Random& random, const crypto::SecretKey& key,
               const NodeServing& serving)
        : loop_(loop), random_(random), key_(key), serving_(serving) {}

    void on_relay(const std::string& relay, bool passes_on);
    std::string address() const;

    net::AsioLoop& loop_;
    Random& random_;
    crypto::SecretKey key_;
    const NodeServing& serving_;
    std::vector<std::string> relays_;  // that pass links on now, oldest first
    std::unique_ptr<net::TlsNetwork> links_;
    std::unique_ptr<LayerService> service_;
};

}  // namespace cairn::node
