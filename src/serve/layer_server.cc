#include "serve/layer_server.h"

#include <algorithm>

#include "base/log.h"
#include "serve/layer_server_state.h"
#include "serve/route.h"

namespace cairn::serve {

namespace {

constexpr std::uint64_t kIdleCheckMs = 1000;

std::uint64_t kv_bytes_for(const model::ModelConfig& config, const OpenSession& request) {
    return model::kv_cache_bytes(config, request.layers, request.terms.max_positions,
                                 request.terms.kv);
}

}  // namespace

LayerServer::LayerServer(Loop& loop, net::Network& network, const Clock& clock, Random& random,
                         const crypto::SecretKey& secret, const tensor::Kernels& kernels,
                         const LayerServerOptions& options)
    : loop_(loop),
      network_(network),
      clock_(clock),
      random_(random),
      secret_(secret),
      key_(crypto::public_key(secret)),
      options_(options),
      kernels_(kernels),
      pool_(std::make_shared<ThreadPool>(options.threads)) {
    CHECK(options.max_batch_tokens >= kMaxPushTokens);
}

LayerServer::~LayerServer() = default;

void LayerServer::set_model(ModelSnapshot snapshot, model::LayerRange layers) {
    CHECK(has_layers(snapshot, layers));
    snapshot_ = std::move(snapshot);
    layers_ = layers;
    loaded_.clear();
}

std::optional<Announce> LayerServer::announce() const {
    if (!snapshot_) return std::nullopt;
    Announce record;
    record.address = network_.listen_address();
    record.model = snapshot_->hash;
    record.layers = layers_;
    record.load = static_cast<std::uint32_t>(sessions_.size());
    record.capacity = static_cast<std::uint32_t>(options_.max_sessions);
    record.issued_ms = clock_.wall_ms();
    record.expires_ms = record.issued_ms + options_.announce_life_ms;
    sign(record, secret_, random_.hash256());
    return record;
}

void LayerServer::on_peer_up(net::PeerId peer, const net::PeerInfo& info) {
    peers_[peer] = info;
    std::vector<Hash256> reached;
    std::vector<Hash256> wrong;
    for (const auto& [id, session] : sessions_) {
        if (session->is_open || !session->request.has_next) continue;
        const Hop& next = session->request.next;
        if (info.key == next.key)
            reached.push_back(id);
        else if (info.outbound && info.address == next.address)
            wrong.push_back(id);
    }
    for (const Hash256& id : reached) mark_open(*sessions_.at(id), peer);
    for (const Hash256& id : wrong)
        fail(*sessions_.at(id), Refusal::kNextHop,
             "the server at " + info.address + " has another key than the client named");
}

void LayerServer::on_peer_down(net::PeerId peer, const std::string& reason) {
    peers_.erase(peer);
    std::vector<Hash256> of_client;
    std::vector<Hash256> before_it;
    for (const auto& [id, session] : sessions_) {
        if (session->client == peer)
            of_client.push_back(id);
        else if (session->next_peer == peer)
            before_it.push_back(id);
    }
    for (const Hash256& id : of_client) erase(id);
    for (const Hash256& id : before_it) {
        Session& session = *sessions_.at(id);
        fail(session, Refusal::kNextHop,
             "lost the next hop at " + session.request.next.address + ": " + reason);
    }
}

void LayerServer::on_message(net::PeerId peer, std::uint16_t kind, Bytes body) {
    const auto bad = [&](const Error& error) {
        log_debug("serve: malformed message of kind {:#06x} from peer {}: {}", kind, peer,
                  error.message);
        tell(peer, MessageKind::kSessionError, {{}, Refusal::kBadRequest, error.message});
    };
    switch (static_cast<MessageKind>(kind)) {
        case MessageKind::kAskAnnounce:
            if (!body.empty()) return bad(invalid("AskAnnounce has no body"));
            if (const auto record = announce())
                send(network_, peer, MessageKind::kAnnounce, encode(*record));
            return;
        case MessageKind::kOpenSession: {
            const auto request = decode_open_session(body);
            return request.ok() ? open(peer, *request) : bad(request.error());
        }
        case MessageKind::kPush: {
            auto message = decode_push(body);
            return message.ok() ? push(peer, std::move(message).value()) : bad(message.error());
        }
        case MessageKind::kClose: {
            const auto id = decode_session_id(body);
            if (!id.ok()) return bad(id.error());
            const auto found = sessions_.find(*id);
            if (found != sessions_.end() && found->second->client == peer) erase(*id);
            return;
        }
        case MessageKind::kAskProgress: {
            const auto id = decode_session_id(body);
            return id.ok() ? report_progress(peer, *id) : bad(id.error());
        }
        case MessageKind::kSessionError: {
            const auto problem = decode_session_problem(body);
            if (problem.ok()) next_hop_failed(peer, *problem);
            return;  // an error is never answered with an error
        }
        default:
            return;  // what only clients get
    }
}

std::optional<SessionProblem> LayerServer::reason_to_refuse(const OpenSession& request,
                                                            const crypto::PublicKey& client) const {
    const SessionTerms& terms = request.terms;
    const auto no = [&](Refusal refusal, std::string reason) {
        return SessionProblem{terms.session, refusal, std::move(reason)};
    };
    if (!snapshot_) return no(Refusal::kWrongModel, "this server holds no model yet");
    if (terms.model != snapshot_->hash)
        return no(Refusal::kWrongModel, "this server holds model " + short_hex(snapshot_->hash) +
                                            ", not " + short_hex(terms.model));
    if (request.layers.begin < layers_.begin || request.layers.end > layers_.end)
        return no(Refusal::kWrongLayers,
                  "this server holds " + describe(layers_) + ", not " + describe(request.layers));
    if (!snapshot_->config.causal)
        return no(Refusal::kUnsupported,
                  "an encoder takes whole texts: sessions are for models "
                  "that write token by token");
    if (terms.numerics != kNumericsVersion)
        return no(Refusal::kUnsupported, "this server computes by numerics version " +
                                             std::to_string(kNumericsVersion) + " only");
    if (terms.max_positions == 0 || terms.max_positions > snapshot_->config.context)
        return no(Refusal::kBadRequest, "positions must be 1 to the model's context of " +
                                            std::to_string(snapshot_->config.context));
    if (sessions_.contains(terms.session))
        return no(Refusal::kBadRequest, "this session id is in use");
    if (request.has_next && request.next.key == key_)
        return no(Refusal::kBadRequest, "the next hop is this server itself");
    if (sessions_.size() >= options_.max_sessions)
        return no(Refusal::kBusy,
                  "all " + std::to_string(options_.max_sessions) + " sessions are taken");
    const auto mine = std::count_if(sessions_.begin(), sessions_.end(), [&](const auto& entry) {
        return entry.second->client_key == client;
    });
    if (static_cast<std::size_t>(mine) >= options_.max_sessions_per_client)
        return no(Refusal::kBusy, "this client has too many sessions open");
    if (kv_bytes_ + kv_bytes_for(snapshot_->config, request) > options_.max_kv_bytes)
        return no(Refusal::kBusy, "no memory left for another cache of " +
                                      std::to_string(terms.max_positions) + " positions");
    return std::nullopt;
}

std::shared_ptr<LayerServer::Loaded> LayerServer::load(model::LayerRange layers) {
    std::weak_ptr<Loaded>& known = loaded_[{layers.begin, layers.end}];
    std::shared_ptr<Loaded> result = known.lock();
    if (!result) {
        result = std::make_shared<Loaded>(*snapshot_, layers, kernels_, pool_,
                                          options_.max_batch_tokens);
        known = result;
    }
    return result;
}

void LayerServer::open(net::PeerId peer, const OpenSession& request) {
    const auto info = peers_.find(peer);
    if (info == peers_.end()) return;
    if (const auto problem = reason_to_refuse(request, info->second.key))
        return tell(peer, MessageKind::kRefused, *problem);

    auto session = std::make_unique<Session>();
    session->request = request;
    session->serial = next_serial_++;
    session->client = peer;
    session->client_key = info->second.key;
    session->loaded = load(request.layers);
    session->cache = std::make_shared<model::KvCache>(
        snapshot_->config, request.layers, request.terms.max_positions, request.terms.kv);
    session->kv_bytes = kv_bytes_for(snapshot_->config, request);
    session->last_used_us = clock_.monotonic_us();
    kv_bytes_ += session->kv_bytes;
    Session& opened = *session;
    sessions_[opened.id()] = std::move(session);
    if (idle_timer_ == 0) watch_idle();
    if (request.has_next)
        find_next_hop(opened);
    else
        mark_open(opened, 0);
}

void LayerServer::find_next_hop(Session& session) {
    const Hop& next = session.request.next;
    for (const auto& [peer, info] : peers_)
        if (info.key == next.key) return mark_open(session, peer);
    session.next_timer = loop_.call_after(
        options_.next_hop_ms, alive_.guard([this, id = session.id(), serial = session.serial] {
            const auto found = sessions_.find(id);
            if (found == sessions_.end() || found->second->serial != serial) return;
            found->second->next_timer = 0;
            fail(*found->second, Refusal::kNextHop,
                 "cannot reach the next hop at " + found->second->request.next.address);
        }));
    network_.connect(next.address);
}

void LayerServer::mark_open(Session& session, net::PeerId next_peer) {
    if (session.next_timer != 0) loop_.cancel(session.next_timer);
    session.next_timer = 0;
    session.next_peer = next_peer;
    session.is_open = true;
    send(network_, session.client, MessageKind::kOpened, encode_session_id(session.id()));
}

void LayerServer::report_progress(net::PeerId peer, const Hash256& id) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end() || found->second->client != peer)
        return tell(peer, MessageKind::kSessionError,
                    {id, Refusal::kUnknownSession, "no such session here"});
    const Progress progress{id, found->second->received, found->second->computed};
    send(network_, peer, MessageKind::kProgress, encode(progress));
}

void LayerServer::next_hop_failed(net::PeerId peer, const SessionProblem& problem) {
    const auto found = sessions_.find(problem.session);
    if (found == sessions_.end() || found->second->next_peer != peer) return;
    fail(*found->second, Refusal::kNextHop,
         "the next hop at " + found->second->request.next.address + " says " +
             refusal_name(problem.refusal) + ": " + problem.reason);
}

void LayerServer::tell(net::PeerId peer, MessageKind kind, const SessionProblem& problem) {
    send(network_, peer, kind, encode(problem));
}

void LayerServer::fail(Session& session, Refusal refusal, const std::string& reason) {
    tell(session.client, session.is_open ? MessageKind::kSessionError : MessageKind::kRefused,
         {session.id(), refusal, reason});
    erase(session.id());
}

void LayerServer::erase(const Hash256& id) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    Session& session = *found->second;
    if (session.next_timer != 0) loop_.cancel(session.next_timer);
    waiting_ -= session.waiting.size();
    kv_bytes_ -= session.kv_bytes;
    std::erase(ready_, id);
    sessions_.erase(found);
}

void LayerServer::watch_idle() {
    idle_timer_ = loop_.call_after(kIdleCheckMs, alive_.guard([this] {
        idle_timer_ = 0;
        const std::uint64_t now_us = clock_.monotonic_us();
        std::vector<Hash256> idle;
        for (const auto& [id, session] : sessions_)
            if (session->last_used_us + options_.idle_ms * 1000 <= now_us) idle.push_back(id);
        for (const Hash256& id : idle)
            fail(*sessions_.at(id), Refusal::kExpired, "no push came in time");
        if (!sessions_.empty()) watch_idle();
    }));
}

}  // namespace cairn::serve
