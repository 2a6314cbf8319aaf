#include "serve/run_part.h"

#include "base/log.h"
#include "formats/load.h"
#include "net/tls_network.h"
#include "serve/part_keys.h"
#include "serve/route.h"

namespace cairn::serve {

namespace {

/// Messages of the lead's that may wait: it sends one at a time, and closes.
constexpr std::size_t kMaxWaiting = 4096;

/// The links of a part. Everything happens on the loop, except that messages are answered on
/// Lane::kLayers.
class PartHost final : public net::NetworkHandler {
  public:
    PartHost(net::AsioLoop& loop, net::Network& network, const crypto::PublicKey& lead,
             std::shared_ptr<LayerPart> part)
        : loop_(loop), network_(network), lead_(lead), part_(std::move(part)) {}

    void on_peer_up(net::PeerId peer, const net::PeerInfo& info) override {
        if (info.key != lead_) {
            log_warn(
                "refused {}: its key is not that of this part's lead; a lead has the same "
                "--part-key file",
                short_hex(info.key));
            return network_.disconnect(peer);
        }
        log_info("the lead is here");
        lead_peer_ = peer;
    }
    void on_peer_down(net::PeerId peer, const std::string& reason) override {
        if (peer != lead_peer_) return;
        log_info("the lead is gone: {}", reason);
        lead_peer_ = 0;
        offload(loop_, Lane::kLayers, [part = part_] { part->forget(); });
    }
    void on_message(net::PeerId peer, std::uint16_t kind, Bytes body) override {
        if (peer != lead_peer_) return;
        const auto part_kind = static_cast<PartKind>(kind);
        if (part_kind == PartKind::kAskAlive) return send(peer, {PartKind::kAlive, {}});
        if (waiting_ == kMaxWaiting) return network_.disconnect(peer);
        ++waiting_;
        offload(
            loop_, Lane::kLayers,
            [part = part_, part_kind, body = std::move(body)] {
                return part->answer(part_kind, body);
            },
            alive_.guard([this, peer](std::optional<PartMessage> answer) {
                --waiting_;
                network_.mark_useful(peer);
                if (answer) send(peer, *answer);
            }));
    }

  private:
    void send(net::PeerId peer, const PartMessage& message) {
        network_.send(peer, static_cast<std::uint16_t>(message.kind), message.body);
    }

    net::AsioLoop& loop_;
    net::Network& network_;
    crypto::PublicKey lead_;
    std::shared_ptr<LayerPart> part_;
    net::PeerId lead_peer_ = 0;
    std::size_t waiting_ = 0;
    Alive alive_;
};

}  // namespace

Status run_part(const RunPartOptions& options) {
    ASSIGN_OR_RETURN(const tensor::Kernels* kernels, tensor::kernels_from_environment());
    SystemRandom random;
    ASSIGN_OR_RETURN(const PartKeys keys, load_part_keys(options.key_file, random, false));
    ASSIGN_OR_RETURN(formats::LoadedModel loaded, formats::load_any(options.model_file));
    RETURN_IF_ERROR(model::can_be_divided(loaded.model.config));
    ASSIGN_OR_RETURN(const model::LayerRange layers,
                     parse_layers(options.layers, loaded.model.config.layers));
    ASSIGN_OR_RETURN(const ModelSnapshot whole,
                     snapshot_of(std::make_shared<const model::Model>(std::move(loaded.model))));

    // Both outlive the loop, whose lanes use them.
    ThreadPool pool(options.threads);
    const auto part =
        std::make_shared<LayerPart>(whole, layers, tensor::Compute{kernels, &pool}, options.part);
    net::AsioLoop loop;
    ASSIGN_OR_RETURN(
        const std::unique_ptr<net::TlsNetwork> network,
        net::TlsNetwork::start(loop, random, {.listen = options.listen, .key = keys.part}));
    PartHost host(loop, *network, crypto::public_key(keys.lead), part);
    network->set_handler(&host);
    loop.post([&] {
        if (options.started)
            options.started({.address = network->listen_address(),
                             .key = crypto::public_key(keys.part),
                             .model = whole.hash,
                             .layers = layers});
        log_info("part of {} of model {} at {}", describe(layers), short_hex(whole.hash),
                 network->listen_address());
    });
    loop.on_terminate([&] { loop.stop(); });
    if (options.should_stop) loop.stop_when(options.should_stop);
    loop.run();
    network->set_handler(nullptr);
    log_info("stopped after {} rows of its heads, layer by layer", part->rows_computed());
    return ok_status();
}

}  // namespace cairn::serve
