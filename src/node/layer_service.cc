#include "node/layer_service.h"

#include "base/log.h"
#include "fetch/manifest.h"
#include "serve/run_server.h"
#include "serve/self_measure.h"

namespace cairn::node {

namespace {

constexpr std::string_view kAuto = "auto";

bool is_out(const ServerView& server) {
    return server.standing &&
           (server.standing->status == trust::status_name(trust::ServerStatus::kConvicted) ||
            server.standing->status == trust::status_name(trust::ServerStatus::kDeactivated));
}

}  // namespace

/// A model that is about to be served.
struct LayerService::Measured {
    serve::ModelSnapshot whole;
    model::LayerRange layers;  // all of them for "auto"
    double rows_per_s = 0;     // 0: it was measured before
};

std::vector<serve::Placed> placed_servers(std::vector<ServerView> known, const Hash256& model,
                                          bool of_the_chain, const crypto::PublicKey& own) {
    std::vector<serve::Announce> offers;
    for (ServerView& view : known) {
        if (view.record.key == own || is_out(view)) continue;
        // Merge blocks reach some servers a moment later.
        if (of_the_chain && view.height) view.record.model = model;
        offers.push_back(std::move(view.record));
    }
    return serve::placed_of(offers, model);
}

model::LayerRange next_layers(model::LayerRange holds, std::span<const serve::Placed> servers,
                              std::uint32_t layers, double rows_per_s) {
    return holds.size() > 0 ? holds : serve::choose_layers(servers, layers, rows_per_s, layers);
}

LayerService::LayerService(Loop& loop, net::Network& links, const Clock& clock, Random& random,
                           const crypto::SecretKey& key, const tensor::Kernels& kernels, Node& node,
                           Disk& disk, std::shared_ptr<const model::Model> fixed,
                           LayerServiceOptions options)
    : loop_(loop),
      links_(links),
      clock_(clock),
      random_(random),
      key_(crypto::public_key(key)),
      node_(node),
      compute_{&kernels, nullptr},
      fixed_(std::move(fixed)),
      options_(std::move(options)),
      giver_(loop, links, clock, {.group_of = options_.group_of}) {
    if (options_.price > 0)
        till_.emplace(loop, static_cast<serve::ChannelView&>(*this), disk,
                      serve::TillOptions{.genesis_id = node.chain().genesis_id(),
                                         .payee = crypto::public_key(key),
                                         .price = options_.price,
                                         .policy = options_.policy});
    server_.emplace(loop, links, clock, random, key, kernels, server_options());
    serve::AttentionDeskOptions proving;
    proving.max_rows = options_.prove_rows;
    proving.group_of = options_.group_of;
    desk_.emplace(loop, links, clock, crypto::public_key(key), std::move(proving));
    handler_.emplace(*server_, *desk_, giver_);
    links.set_handler(&*handler_);
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

std::uint32_t LayerService::height_by_now() const {
    const BlockNode* tip = node_.chain().tip()->node;
    const BlockNode* best = node_.chain().tree().best_header();
    return channel::height_by_now({tip->height, tip->header.time_ms, best->height},
                                  node_.chain().network().spacing_ms, clock_.wall_ms());
}

void LayerService::find(std::vector<chain::OutPoint> outpoints, Found done) {
    node_.find_outputs(std::move(outpoints), alive_.guard(std::move(done)));
}

void LayerService::start() {
    node_.watch_tip(alive_.guard([this] { on_tip(); }));
    node_.evidence().on_change(alive_.guard([this] { on_standings(); }));
    const auto begin = alive_.guard([this] {
        if (fixed_)
            take(fixed_);
        else
            look();
    });
    // Whoever chooses hears first who serves what.
    if (options_.layers == kAuto)
        loop_.call_after(options_.listen_ms, begin);
    else
        loop_.post(begin);
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
        take(std::make_shared<const model::Model>(std::move((*served)->model)),
             (*served)->model_root);
    }));
}

void LayerService::take(std::shared_ptr<const model::Model> model, const Hash256& model_root) {
    offload(
        loop_, Lane::kLayers,
        [model = std::move(model), model_root, layers = options_.layers, compute = compute_,
         &clock = clock_, threads = options_.threads,
         is_first = rows_per_s_ == 0]() -> Result<Measured> {
            Measured measured;
            ASSIGN_OR_RETURN(measured.layers, serve::parse_layers(layers, model->config.layers));
            ASSIGN_OR_RETURN(measured.whole, serve::snapshot_of(model));
            if (!model_root.is_zero())
                measured.whole.chain_name = fetch::chain_model_name(model->config, model_root);
            if (!is_first) return measured;
            const model::LayerRange one{measured.layers.begin, measured.layers.begin + 1};
            const serve::ModelSnapshot packed = serve::keep_layers(compute, measured.whole, one);
            ThreadPool pool(threads);
            measured.rows_per_s =
                serve::measure_rows(packed, one, {compute.kernels, &pool}, clock).rows_per_s;
            return measured;
        },
        alive_.guard([this](const Result<Measured>& measured) {
            if (!measured.ok())
                return log_error("no layers are served: {}", measured.error().message);
            choose(*measured);
        }));
}

void LayerService::choose(const Measured& measured) {
    if (measured.rows_per_s > 0) {
        rows_per_s_ = measured.rows_per_s;
        server_->set_speed(serve::announced_speed(rows_per_s_));
    }
    newest_ = measured.whole;
    model::LayerRange layers = measured.layers;
    const bool begins = layers_.size() == 0;
    if (options_.layers == kAuto)
        layers = next_layers(layers_, placed_servers(node_.servers(), newest_.hash, !fixed_, key_),
                             newest_.config.layers, rows_per_s_);
    if (const Status fast = serve::admit(rows_per_s_, layers.size(), options_.least_tokens_per_s);
        !fast.ok())
        return log_error("no layers are served: {}", fast.error().message);
    pack(newest_, layers);
    if (begins && options_.layers == kAuto) consider_moving();
}

void LayerService::pack(serve::ModelSnapshot whole, model::LayerRange layers) {
    layers_ = layers;
    offload(
        loop_, Lane::kLayers,
        [whole = std::move(whole), layers, compute = compute_] {
            return serve::keep_layers(compute, whole, layers);
        },
        alive_.guard([this, layers](serve::ModelSnapshot packed) {
            if (layers != layers_) return;  // it has moved on meanwhile
            model_ = packed.hash;
            desk_->set_model(packed);
            server_->set_model(std::move(packed), layers_);
            tell();
            if (options_.serving) options_.serving();
        }));
}

// At a time of its own, so that not all move at once.
void LayerService::consider_moving() {
    const std::uint64_t wait_ms = options_.move_ms / 2 + random_.below(options_.move_ms + 1);
    loop_.call_after(wait_ms, alive_.guard([this] {
        move_if_better();
        consider_moving();
    }));
}

void LayerService::move_if_better() {
    std::vector<serve::Placed> servers =
        placed_servers(node_.servers(), newest_.hash, !fixed_, key_);
    servers.push_back({key_, layers_, rows_per_s_});
    const serve::MoveAdvice advice =
        serve::advise_move(servers, newest_.config.layers, key_, newest_.config.layers);
    const bool is_fast =
        serve::admit(rows_per_s_, advice.to.size(), options_.least_tokens_per_s).ok();
    if (!advice.move || !is_fast) return;
    log_info("{}", advice.why);
    pack(newest_, advice.to);
}

// Not all that could step in do so at the same moment.
void LayerService::on_standings() {
    if (options_.layers != kAuto || layers_.size() == 0 || std::exchange(hurrying_, true)) return;
    loop_.call_after(options_.haste_ms / 2 + random_.below(options_.haste_ms / 2 + 1),
                     alive_.guard([this] {
                         hurrying_ = false;
                         move_if_better();
                     }));
}

void LayerService::set_address(const std::string& address) {
    server_->set_address(address);
    tell();
}

ServingView LayerService::view() const {
    return {.address = server_->address(),
            .model = model_,
            .first_layer = layers_.begin,
            .end_layer = layers_.end,
            .sessions = server_->open_sessions(),
            .rows = server_->tokens_computed(),
            .price = options_.price,
            .earned = till_ ? till_->earned() : 0};
}

}  // namespace cairn::node
