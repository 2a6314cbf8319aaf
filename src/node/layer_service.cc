#include "node/layer_service.h"

#include "base/log.h"
#include "serve/run_server.h"

namespace cairn::node {

namespace {

/// A model, ready to be served.
struct Prepared {
    serve::ModelSnapshot snapshot;
    model::LayerRange layers;
};

Result<Prepared> prepare(const std::shared_ptr<const model::Model>& model,
                         const std::string& layers, const tensor::Compute& compute) {
    ASSIGN_OR_RETURN(const model::LayerRange range,
                     serve::parse_layers(layers, model->config.layers));
    ASSIGN_OR_RETURN(const serve::ModelSnapshot whole, serve::snapshot_of(model));
    return Prepared{serve::keep_layers(compute, whole, range), range};
}

}  // namespace

LayerService::LayerService(Loop& loop, net::Network& links, const Clock& clock, Random& random,
                           const crypto::SecretKey& key, const tensor::Kernels& kernels, Node& node,
                           Disk& disk, std::shared_ptr<const model::Model> fixed,
                           LayerServiceOptions options)
    : loop_(loop),
      links_(links),
      node_(node),
      compute_{&kernels, nullptr},
      fixed_(std::move(fixed)),
      options_(std::move(options)) {
    if (options_.price > 0)
        till_.emplace(loop, static_cast<serve::ChannelView&>(*this), disk,
                      serve::TillOptions{.genesis_id = node.chain().genesis_id(),
                                         .payee = crypto::public_key(key),
                                         .price = options_.price,
                                         .policy = options_.policy});
    server_.emplace(loop, links, clock, random, key, kernels, server_options());
    links.set_handler(&*server_);
}

serve::LayerServerOptions LayerService::server_options() {
    serve::LayerServerOptions server;
    server.threads = options_.threads;
    server.till = till_ ? &*till_ : nullptr;
    server.group_of = options_.group_of;
    server.address = options_.address;
    return server;
}

std::uint32_t LayerService::height() const { return node_.chain().tip()->node->height; }

void LayerService::find(std::vector<chain::OutPoint> outpoints, Found done) {
    node_.find_outputs(std::move(outpoints), alive_.guard(std::move(done)));
}

void LayerService::start() {
    node_.watch_tip(alive_.guard([this] { on_tip(); }));
    if (fixed_)
        take(fixed_);
    else
        look();
}

void LayerService::on_tip() {
    if (!till_) return;
    till_->on_tip([this](const chain::OutPoint& channel, const std::string& why) {
        log_info("sessions paid from {} end: {}", chain::outpoint_text(channel), why);
        server_->end_unpaid(channel, why);
    });
}

void LayerService::tell() {
    if (telling_ != 0) loop_.cancel(telling_);
    telling_ = loop_.call_after(options_.tell_ms, alive_.guard([this] { tell(); }));
    const auto record = server_->announce();
    if (!record) return;
    if (const Status told = node_.announce_server(*record); !told.ok())
        log_debug("the layers that are served are not announced: {}", told.error().message);
}

// A merge block becomes deep enough with a later block or with time, so the clock decides.
void LayerService::look() {
    loop_.call_after(options_.look_ms, alive_.guard([this] { look(); }));
    if (looking_) return;
    looking_ = true;
    node_.served_model(known_, alive_.guard([this](Result<std::optional<ServedModel>> served) {
        looking_ = false;
        if (!served.ok()) return log_debug("no model to serve: {}", served.error().message);
        if (!*served) return;
        known_ = (*served)->block;
        take(std::make_shared<const model::Model>(std::move((*served)->model)));
    }));
}

void LayerService::take(std::shared_ptr<const model::Model> model) {
    offload(
        loop_, Lane::kLayers,
        [model = std::move(model), layers = options_.layers, compute = compute_] {
            return prepare(model, layers, compute);
        },
        alive_.guard([this](Result<Prepared> prepared) {
            if (!prepared.ok())
                return log_error("no layers are served: {}", prepared.error().message);
            model_ = prepared->snapshot.hash;
            layers_ = prepared->layers;
            server_->set_model(std::move(prepared->snapshot), layers_);
            tell();
            if (options_.serving) options_.serving();
        }));
}

ServingView LayerService::view() const {
    return {.address = links_.listen_address(),
            .model = model_,
            .first_layer = layers_.begin,
            .end_layer = layers_.end,
            .sessions = server_->open_sessions(),
            .rows = server_->tokens_computed(),
            .price = options_.price,
            .earned = till_ ? till_->earned() : 0};
}

}  // namespace cairn::node
