#include "serve/layer_server.h"

#include <algorithm>

#include "base/log.h"
#include "model/encoder_decoder.h"
#include "serve/layer_server_state.h"
#include "serve/route.h"

namespace cairn::serve {

namespace {

constexpr std::uint64_t kIdleCheckMs = 1000;
constexpr std::uint64_t kAnnounceEveryUs = 1'000'000;
/// Sessions that the till is asked about at once: of one client, and of all.
constexpr std::size_t kMaxOpening = 4;
constexpr std::size_t kMaxOpeningPeers = 64;

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
    add_model(std::make_shared<Loaded>(std::move(snapshot), layers, kernels_, pool_,
                                       options_.max_batch_tokens));
}

void LayerServer::add_model(std::shared_ptr<Loaded> loaded) {
    std::erase_if(models_, [&](const std::shared_ptr<Loaded>& old) {
        return old->snapshot.hash == loaded->snapshot.hash;
    });
    models_.push_front(std::move(loaded));
    if (models_.size() > options_.max_models) models_.pop_back();
}

const std::shared_ptr<LayerServer::Loaded>& LayerServer::find_model(const Hash256& model) const {
    static const std::shared_ptr<Loaded> none;
    const auto found = std::ranges::find_if(models_, [&](const std::shared_ptr<Loaded>& loaded) {
        return loaded->snapshot.is_called(model);
    });
    return found == models_.end() ? none : *found;
}

std::string LayerServer::address() const {
    return options_.address.empty() ? network_.listen_address() : options_.address;
}

void LayerServer::set_address(const std::string& address) {
    options_.address = address;
    for (const std::shared_ptr<Loaded>& loaded : models_) {
        loaded->announced.record.reset();
        loaded->announced_as_chain.record.reset();
    }
}

std::optional<Announce> LayerServer::announce(const Hash256& model) {
    if (models_.empty()) return std::nullopt;
    const std::shared_ptr<Loaded>& asked = find_model(model);
    Loaded& loaded = asked ? *asked : *models_.front();
    if (!loaded.lost.empty()) return std::nullopt;
    const bool as_chain = asked && model != loaded.snapshot.hash;
    Loaded::Announced& announced = as_chain ? loaded.announced_as_chain : loaded.announced;
    const std::uint64_t now_us = clock_.monotonic_us();
    if (announced.record && now_us < announced.made_us + kAnnounceEveryUs) return announced.record;
    announced.made_us = now_us;
    Announce& record = announced.record.emplace();
    record.address = address();
    record.model = as_chain ? loaded.snapshot.chain_name : loaded.snapshot.hash;
    record.layers = loaded.layers;
    record.rows_per_s = speed();
    if (options_.till != nullptr) {
        record.genesis = options_.till->options().genesis_id;
        record.price = options_.till->options().price;
    }
    record.capacity = static_cast<std::uint32_t>(options_.max_sessions);
    // A session may hold the memory of several.
    const std::uint64_t one = options_.max_session_bytes / options_.max_sessions;
    record.load = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(record.capacity, (session_bytes_ + one - 1) / one));
    record.issued_ms = clock_.wall_ms();
    record.expires_ms = record.issued_ms + options_.announce_life_ms;
    sign(record, secret_, random_.hash256());
    return announced.record;
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
        case MessageKind::kAskAnnounce: {
            const auto model = decode_ask_announce(body);
            if (!model.ok()) return bad(model.error());
            if (const auto record = announce(*model))
                send(network_, peer, MessageKind::kAnnounce, encode(*record));
            return;
        }
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
        case MessageKind::kVoucher: {
            const auto given = decode_voucher_given(body);
            return given.ok() ? take_voucher(peer, *given) : bad(given.error());
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
    if (models_.empty()) return no(Refusal::kWrongModel, "this server holds no model yet");
    const std::shared_ptr<Loaded>& loaded = find_model(terms.model);
    if (!loaded)
        return no(Refusal::kWrongModel, "this server holds model " +
                                            short_hex(models_.front()->snapshot.hash) + ", not " +
                                            short_hex(terms.model));
    if (!loaded->lost.empty()) return no(Refusal::kBusy, kPartsAway);
    const model::LayerRange held = loaded->layers;
    const model::ModelConfig& config = loaded->snapshot.config;
    if (request.layers.begin < held.begin || request.layers.end > held.end)
        return no(Refusal::kWrongLayers,
                  "this server holds " + describe(held) + ", not " + describe(request.layers));
    if (terms.numerics != kNumericsVersion)
        return no(Refusal::kUnsupported, "this server computes by numerics version " +
                                             std::to_string(kNumericsVersion) + " only");
    if (terms.max_positions == 0 || terms.max_positions > config.context)
        return no(Refusal::kBadRequest, "positions must be 1 to the model's context of " +
                                            std::to_string(config.context));
    if (const Status source = model::check_source(config, terms.source_rows, terms.kv);
        !source.ok())
        return no(source.error().code == ErrorCode::kUnsupported ? Refusal::kUnsupported
                                                                 : Refusal::kBadRequest,
                  source.error().message);
    if (!config.causal && terms.max_positions != terms.source_rows)
        return no(Refusal::kBadRequest, "an encoder gives as many rows as its text has");
    if (sessions_.contains({peer, terms.session}))
        return no(Refusal::kBadRequest, "this session id is in use");
    return std::nullopt;
}

std::uint64_t LayerServer::bytes_for(const OpenSession& request) const {
    const model::ModelConfig& config = find_model(request.terms.model)->snapshot.config;
    const std::uint32_t positions = request.terms.all_positions();
    const std::uint64_t cache =
        config.causal ? model::kv_cache_bytes(config, request.layers, positions, request.terms.kv)
                      : std::uint64_t{positions} * config.dim *
                            sizeof(float);  // before and behind the layers
    const std::uint64_t waiting = max_push_tokens(config.dim) * config.dim * sizeof(float);
    const std::uint64_t hashes = std::uint64_t{positions} * sizeof(Hash256);
    return std::max<std::uint64_t>(cache + hashes + waiting,
                                   options_.max_session_bytes / options_.max_sessions);
}

bool LayerServer::make_room(const MemoryShare& asks) {
    const std::uint64_t now_us = clock_.monotonic_us();
    std::vector<HeldSession> held;
    std::map<std::uint64_t, Session*> by_serial;
    for (const auto& [id, session] : sessions_) {
        held.push_back({session->serial, session->share, session->rows_computed > 0,
                        session->at_work() ? 0 : (now_us - session->last_used_us) / 1000});
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

std::optional<SessionProblem> LayerServer::wrong_with_payment(net::PeerId peer,
                                                              const OpenSession& request) const {
    const auto no = [&](Refusal refusal, std::string reason) {
        return SessionProblem{request.terms.session, refusal, std::move(reason)};
    };
    if (options_.till == nullptr)
        return request.payment ? std::optional(no(Refusal::kUnpaid, "this server takes no coins"))
                               : std::nullopt;
    const std::uint64_t price = row_price(options_.till->options().price, request.layers);
    if (price == 0) return no(Refusal::kUnpaid, "this server has no price");
    const std::string asks =
        chain::amount_text(price) + " coins for each row through " + describe(request.layers);
    if (!request.payment)
        return no(Refusal::kUnpaid, "this server asks for " + asks + ", from a payment channel");
    if (request.payment->row_price != price)
        return no(Refusal::kUnpaid, "this server asks for " + asks + ", not for " +
                                        chain::amount_text(request.payment->row_price));
    if (!may_ask_till(peer))
        return no(Refusal::kBusy, "too many sessions are being opened; try again in a second");
    return std::nullopt;
}

void LayerServer::open(net::PeerId peer, const OpenSession& request) {
    if (!peers_.contains(peer)) return;
    auto problem = reason_to_refuse(peer, request);
    if (!problem) problem = wrong_with_payment(peer, request);
    if (problem) return tell(peer, MessageKind::kRefused, *problem);
    if (request.payment) return ask_till(peer, request);
    open_paid(peer, request);
}

// A part of the network takes no more of the places than it leaves to all others.
bool LayerServer::may_ask_till(net::PeerId peer) const {
    if (const auto own = opening_.find(peer); own != opening_.end())
        return own->second.sessions < kMaxOpening;
    const std::string group = group_of(peer);
    const auto same = static_cast<std::size_t>(std::ranges::count_if(
        opening_, [&](const auto& opening) { return opening.second.group == group; }));
    return opening_.size() + same < kMaxOpeningPeers;
}

void LayerServer::ask_till(net::PeerId peer, const OpenSession& request) {
    Opening& asked = opening_[peer];
    if (asked.sessions++ == 0) asked.group = group_of(peer);
    options_.till->open(request.terms, request.layers, *request.payment,
                        alive_.guard([this, peer, request](const Status& paid) {
                            if (--opening_.at(peer).sessions == 0) opening_.erase(peer);
                            const bool is_there = peers_.contains(peer);
                            if (!paid.ok()) {
                                const Refusal refusal = paid.error().code == ErrorCode::kFull
                                                            ? Refusal::kBusy
                                                            : Refusal::kUnpaid;
                                if (is_there)
                                    tell(peer, MessageKind::kRefused,
                                         {request.terms.session, refusal, paid.error().message});
                                return;
                            }
                            // Much may have changed meanwhile.
                            const auto problem = is_there ? reason_to_refuse(peer, request)
                                                          : std::optional(SessionProblem{});
                            if (problem && is_there) tell(peer, MessageKind::kRefused, *problem);
                            if (problem || !open_paid(peer, request))
                                options_.till->close(request.payment->channel);
                        }));
}

bool LayerServer::open_paid(net::PeerId peer, const OpenSession& request) {
    const auto info = peers_.find(peer);
    const Hash256& id = request.terms.session;
    const auto refuse = [&](std::string reason) {
        tell(peer, MessageKind::kRefused, {id, Refusal::kBusy, std::move(reason)});
        return false;
    };
    const std::uint64_t bytes = bytes_for(request);
    if (bytes > options_.max_session_bytes)
        return refuse("a cache of " + std::to_string(request.terms.all_positions()) +
                      " positions is more than this server's memory for all sessions");
    const std::string group = group_of(peer);
    const MemoryShare share{group, info->second.key, bytes};
    if (!make_room(share))
        return refuse(
            "all of this server's memory is held by sessions at work; try again in some seconds, "
            "or another server");

    auto session = std::make_unique<Session>();
    session->request = request;
    session->serial = next_serial_++;
    session->client = peer;
    session->share = share;
    session->turn.group = group;
    session->loaded = find_model(request.terms.model);
    session->last_used_us = clock_.monotonic_us();
    session_bytes_ += bytes;
    sessions_[{peer, id}] = std::move(session);
    if (idle_timer_ == 0) watch_idle();
    send(network_, peer, MessageKind::kOpened, encode_session_id(id));
    return true;
}

void LayerServer::take_voucher(net::PeerId peer, const VoucherGiven& given) {
    const auto found = sessions_.find({peer, given.session});
    if (found == sessions_.end()) return;  // it ended while the voucher was under way
    Session& session = *found->second;
    if (!session.request.payment)
        return fail(session, Refusal::kBadRequest, "a voucher in a session that costs nothing");
    if (session.looks_at_voucher)
        session.next_voucher = given;  // worth all that were before it
    else
        accept_voucher(found->first, given);
}

void LayerServer::accept_voucher(const SessionId& id, const VoucherGiven& given) {
    Session& session = *sessions_.at(id);
    session.looks_at_voucher = true;
    options_.till->accept(session.request.payment->channel, given.amount, given.signature,
                          alive_.guard([this, id, serial = session.serial](const Status& taken) {
                              const auto found = sessions_.find(id);
                              if (found == sessions_.end() || found->second->serial != serial)
                                  return;
                              Session& now = *found->second;
                              now.looks_at_voucher = false;
                              if (!taken.ok())
                                  return fail(now, Refusal::kUnpaid, taken.error().message);
                              // Else one after another, for nothing, would gain it time.
                              if (is_overdue(now)) return fail_unpaid(now);
                              if (const auto next = std::exchange(now.next_voucher, std::nullopt))
                                  accept_voucher(id, *next);
                              if (!computing_) start_batch();
                          }));
}

void LayerServer::end_unpaid(const chain::OutPoint& channel, const std::string& reason) {
    std::vector<Session*> ending;
    for (const auto& [id, session] : sessions_)
        if (session->request.payment && session->request.payment->channel == channel)
            ending.push_back(session.get());
    for (Session* session : ending) fail(*session, Refusal::kUnpaid, reason);
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

void LayerServer::fail_unpaid(Session& session) {
    fail(session, Refusal::kUnpaid,
         "no voucher came for more than the price of " + std::to_string(channel::kTokensAtRisk) +
             " rows");
}

void LayerServer::erase(const SessionId& id) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    Session& session = *found->second;
    if (!session.waiting.empty()) turns_.end(session.turn);
    // Of others the lane hears nothing: one can open and end any number while it is busy.
    if (const auto& divided = session.loaded->divided; divided && session.begun)
        offload(loop_, Lane::kLayers,
                [divided, serial = session.serial] { divided->close(serial); });
    session_bytes_ -= session.share.bytes;
    if (session.request.payment) {
        const chain::OutPoint& channel = session.request.payment->channel;
        // One that came is kept, though nobody waits for it any more.
        if (const auto& last = session.next_voucher)
            options_.till->accept(channel, last->amount, last->signature, [](const Status&) {});
        options_.till->close(channel);
    }
    sessions_.erase(found);
}

void LayerServer::watch_idle() {
    idle_timer_ = loop_.call_after(kIdleCheckMs, alive_.guard([this] {
        idle_timer_ = 0;
        const std::uint64_t now_us = clock_.monotonic_us();
        std::vector<SessionId> idle, unpaid;
        for (const auto& [id, session] : sessions_) {
            if (!session->at_work() && session->last_used_us + options_.idle_ms * 1000 <= now_us)
                idle.push_back(id);
            else if (is_overdue(*session) && !session->looks_at_voucher &&
                     !options_.till->is_reserving(session->request.payment->channel))
                unpaid.push_back(id);
        }
        for (const SessionId& id : idle)
            fail(*sessions_.at(id), Refusal::kExpired, "no push came in time");
        for (const SessionId& id : unpaid) fail_unpaid(*sessions_.at(id));
        if (!sessions_.empty()) watch_idle();
    }));
}

}  // namespace cairn::serve
