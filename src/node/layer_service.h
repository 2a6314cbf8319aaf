// LayerService: a node that computes layers for others, for coins if it wants them. It is a layer
// server (serve/layer_server.h) with links of its own beside the chain's, the layers of the chain's
// model as it is deep enough (or of a model file), and the node's ledger to look channels up in.
// Who pays, pays the node's key; what is due to it on the chain, node/channel_keeper.h sees to.
//
// With layers "auto" it measures how fast this machine is, takes the layers where the network's
// servers are weakest, and moves when much would be won by that (serve/placement.h).
//
// Everything happens on the loop, except that models are hashed, packed and measured on
// Lane::kLayers.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "node/node.h"
#include "serve/giving_links.h"
#include "serve/layer_server.h"
#include "serve/placement.h"

namespace cairn::node {

struct LayerServiceOptions {
    std::string layers;             ///< see serve::parse_layers; "auto": it chooses
    double least_tokens_per_s = 0;  ///< through its layers; a slower machine does not serve
    std::uint64_t price = 0;        ///< of 1,000 rows through one layer, smallest units; 0: free
    channel::Policy policy{};       ///< which channels it takes
    std::size_t threads = 1;        ///< computing threads
    /// Attention is proved of sessions of so many rows at most; 0: of none.
    std::uint32_t prove_rows = serve::AttentionDeskOptions{}.max_rows;
    std::uint64_t look_ms = 1000;  ///< how often it asks the node for a newer model
    /// "auto": how long it listens before it chooses, and how often it looks whether to move.
    std::uint64_t listen_ms = 3'000;
    std::uint64_t move_ms = 60'000;
    std::uint64_t haste_ms = 5'000;  ///< at most, after a server has lost its standing
    std::uint64_t tell_ms = 30'000;  ///< how often it tells the network what it offers
    /// The part of the network that a client is in (net::TlsNetwork::group_of).
    std::function<std::string(net::PeerId)> group_of{};
    std::string address{};  ///< see serve::LayerServerOptions
    /// Called on the loop when another model is served from then on. May be empty.
    std::function<void()> serving{};
};

/// Where the servers of a model are, without the one with key `own`: those that announce it, and if
/// it is the chain's, those that announce another version of that. Whom the node's desk has
/// convicted or deactivated holds nothing that counts.
std::vector<serve::Placed> placed_servers(std::vector<ServerView> known, const Hash256& model,
                                          bool of_the_chain, const crypto::PublicKey& own);

/// The layers of a newer model that a node with "auto" serves: those that it `holds`, or, while it
/// holds none, since it was too slow for those that it chose before, where the servers are weakest.
model::LayerRange next_layers(model::LayerRange holds, std::span<const serve::Placed> servers,
                              std::uint32_t layers, double rows_per_s);

class LayerService final : private serve::ChannelView {
  public:
    /// Everything must outlive it, the loop excepted; `links` is not the chain's network, and this
    /// becomes its handler. `disk` is where the node's channels are. With `fixed` it serves that
    /// model; without, the chain's.
    LayerService(Loop& loop, net::Network& links, const Clock& clock, Random& random,
                 const crypto::SecretKey& key, const tensor::Kernels& kernels, Node& node,
                 Disk& disk, std::shared_ptr<const model::Model> fixed,
                 LayerServiceOptions options);

    /// Begins to follow the node's tip.
    void start();
    ServingView view() const;
    /// Where others reach it from now on, as in its options; the network is told.
    void set_address(const std::string& address);
    /// What it offers now, signed; nothing while it has no model.
    std::optional<serve::Announce> announce() { return server_->announce(); }

  private:
    std::uint32_t height() const override;
    std::uint32_t height_by_now() const override;
    void find(std::vector<chain::OutPoint> outpoints, Found done) override;

    serve::LayerServerOptions server_options();
    void on_tip();
    /// Tells the network what is offered, now and every now and then.
    void tell();
    void look();
    /// Hashes, and at the first time measures, beside the loop; then layers are chosen and served.
    /// Why it cannot be served goes to the log. `model_root` is the chain's, if it is its model.
    void take(std::shared_ptr<const model::Model> model, const Hash256& model_root = {});
    struct Measured;
    void choose(const Measured& measured);
    void pack(serve::ModelSnapshot whole, model::LayerRange layers);
    void consider_moving();
    void move_if_better();
    /// A server may have lost its standing: its layers may be wanted here.
    void on_standings();

    Loop& loop_;
    net::Network& links_;
    const Clock& clock_;
    Random& random_;
    crypto::PublicKey key_;
    Node& node_;
    tensor::Compute compute_;
    std::shared_ptr<const model::Model> fixed_;
    LayerServiceOptions options_;
    std::optional<serve::Till> till_;
    std::optional<serve::LayerServer> server_;
    fetch::WeightsGiver
        giver_;  ///< has nothing to give: peers give the chain's model (theta_giver.h)
    std::optional<serve::AttentionDesk> desk_;
    std::optional<serve::GivingLinks> handler_;
    serve::ModelSnapshot newest_;  ///< the whole model that is served, for other layers of it
    double rows_per_s_ = 0;        ///< of this machine; 0: not measured yet
    Hash256 known_;                ///< the block of the newest model that was asked for
    Hash256 model_;
    model::LayerRange layers_{0, 0};
    bool looking_ = false;
    bool hurrying_ = false;  ///< it looks whether to move before it is time
    TimerId telling_ = 0;
    Alive alive_;
};

}  // namespace cairn::node
