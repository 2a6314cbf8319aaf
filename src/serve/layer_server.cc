#include "serve/layer_server.h"

#include <algorithm>

#include "base/log.h"
#include "serve/layer_server_state.h"
#include "serve/route.h"

namespace cairn::serve {

namespace {

constexpr std::uint64_t kIdleCheckMs = 1000;
constexpr std::uint64_t kAnnounceEveryUs = 1'000'000;

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
    loaded_ =
        std::make_shared<Loaded>(*snapshot_, layers, kernels_, pool_, options_.max_batch_tokens);
    announced_.reset();
}

std::optional<Announce> LayerServer::announce() {
    if (!snapshot_) return std::nullopt;
    const std::uint64_t now_us = clock_.monotonic_us();
    if (announced_ && now_us < announced_us_ + kAnnounceEveryUs) return announced_;
    announced_us_ = now_us;
    Announce& record = announced_.emplace();
    record.address = network_.listen_address();
    record.model = snapshot_->hash;
    record.layers = layers_;
    record.capacity = static_cast<std::uint32_t>(options_.max_sessions);
    // A session may hold the memory of several.
    const std::uint64_t one = options_.max_session_bytes / options_.max_sessions;
    record.load = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(record.capacity, (session_bytes_ + one - 1) / one));
    record.issued_ms = clock_.wall_ms();
    record.expires_ms = record.issued_ms + options_.announce_life_ms;
    sign(record, secret_, random_.hash256());
    return announced_;
}

void LayerServer::on_peer_up(net::PeerId peer, const net::PeerInfo& info) { peers_[peer] = info; }

void LayerServer::on_peer_down(net::PeerId peer, const std::string&) {
    peers_.erase(peer);
    const auto first = sessions_.lower_bound({peer, Hash256{}});
    std::vector<SessionId> of_client;
    for (auto it = first; it != sessions_.end() && it->first.first == peer; ++it)
        of_client.push_back(it->first);
    for (const SessionId& id : of_client) erase(id);
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
            return erase({peer, *id});
        }
        case MessageKind::kAskProgress: {
            const auto id = decode_session_id(body);
            return id.ok() ? report_progress(peer, *id) : bad(id.error());
        }
        default:
            return;  // what only clients get
    }
}

std::optional<SessionProblem> LayerServer::reason_to_refuse(net::PeerId peer,
                                                            const OpenSession& request) const {
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
    if (sessions_.contains({peer, terms.session}))
        return no(Refusal::kBadRequest, "this session id is in use");
    return std::nullopt;
}

std::uint64_t LayerServer::bytes_for(const OpenSession& request) const {
    const model::ModelConfig& config = snapshot_->config;
    const std::uint64_t cache = model::kv_cache_bytes(
        config, request.layers, request.terms.max_positions, request.terms.kv);
    const std::uint64_t waiting = max_push_tokens(config.dim) * config.dim * sizeof(float);
    const std::uint64_t hashes = std::uint64_t{request.terms.max_positions} * sizeof(Hash256);
    return std::max<std::uint64_t>(cache + hashes + waiting,
                                   options_.max_session_bytes / options_.max_sessions);
}

bool LayerServer::make_room(const MemoryShare& asks) {
    const std::uint64_t now_us = clock_.monotonic_us();
    std::vector<HeldSession> held;
    std::map<std::uint64_t, Session*> by_serial;
    for (const auto& [id, session] : sessions_) {
        const bool at_work = session->rows_computed < session->rows_received;
        held.push_back({session->serial, session->share, session->rows_computed > 0,
                        at_work ? 0 : (now_us - session->last_used_us) / 1000});
        by_serial[session->serial] = session.get();
    }
    const auto yield = sessions_to_yield(std::move(held), asks, options_.max_session_bytes);
    if (!yield) return false;
    for (const std::uint64_t serial : *yield) {
        Session& session = *by_serial.at(serial);
        fail(session, Refusal::kBusy,
             session.rows_computed == 0 ? "its place is needed, and it has computed nothing"
                                        : "its place is needed for somebody who holds less here");
    }
    return true;
}

void LayerServer::open(net::PeerId peer, const OpenSession& request) {
    const auto info = peers_.find(peer);
    if (info == peers_.end()) return;
    const Hash256& id = request.terms.session;
    if (const auto problem = reason_to_refuse(peer, request))
        return tell(peer, MessageKind::kRefused, *problem);
    const std::uint64_t bytes = bytes_for(request);
    if (bytes > options_.max_session_bytes)
        return tell(peer, MessageKind::kRefused,
                    {id, Refusal::kBusy,
                     "a cache of " + std::to_string(request.terms.max_positions) +
                         " positions is more than this server's memory for all sessions"});
    const std::string group = options_.group_of ? options_.group_of(peer) : "";
    const MemoryShare share{group, info->second.key, bytes};
    if (!make_room(share))
        return tell(peer, MessageKind::kRefused,
                    {id, Refusal::kBusy,
                     "all of this server's memory is held by sessions at work; try again in some "
                     "seconds, or another server"});

    auto session = std::make_unique<Session>();
    session->request = request;
    session->serial = next_serial_++;
    session->client = peer;
    session->share = share;
    session->turn.group = group;
    session->loaded = loaded_;
    session->last_used_us = clock_.monotonic_us();
    session_bytes_ += bytes;
    sessions_[{peer, id}] = std::move(session);
    if (idle_timer_ == 0) watch_idle();
    send(network_, peer, MessageKind::kOpened, encode_session_id(id));
}

void LayerServer::report_progress(net::PeerId peer, const Hash256& id) {
    const auto found = sessions_.find({peer, id});
    if (found == sessions_.end())
        return tell(peer, MessageKind::kSessionError,
                    {id, Refusal::kUnknownSession, "no such session here"});
    const Progress progress{id, found->second->rows_received, found->second->rows_computed};
    send(network_, peer, MessageKind::kProgress, encode(progress));
}

void LayerServer::tell(net::PeerId peer, MessageKind kind, const SessionProblem& problem) {
    send(network_, peer, kind, encode(problem));
}

void LayerServer::fail(Session& session, Refusal refusal, const std::string& reason) {
    tell(session.client, MessageKind::kSessionError,
         {session.request.terms.session, refusal, reason});
    erase(session.id());
}

void LayerServer::erase(const SessionId& id) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    Session& session = *found->second;
    if (!session.waiting.empty()) turns_.end(session.turn);
    session_bytes_ -= session.share.bytes;
    sessions_.erase(found);
}

void LayerServer::watch_idle() {
    idle_timer_ = loop_.call_after(kIdleCheckMs, alive_.guard([this] {
        idle_timer_ = 0;
        const std::uint64_t now_us = clock_.monotonic_us();
        std::vector<SessionId> idle;
        for (const auto& [id, session] : sessions_)
            if (session->last_used_us + options_.idle_ms * 1000 <= now_us) idle.push_back(id);
        for (const SessionId& id : idle)
            fail(*sessions_.at(id), Refusal::kExpired, "no push came in time");
        if (!sessions_.empty()) watch_idle();
    }));
}

}  // namespace cairn::serve
