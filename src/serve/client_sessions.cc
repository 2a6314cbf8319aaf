#include "serve/client_sessions.h"

#include <algorithm>

namespace cairn::serve {

namespace {

constexpr std::size_t kMaxEnded = 256;

}  // namespace

ClientSessions::ClientSessions(Loop& loop, net::Network& network, const Clock& clock,
                               Random& random, const crypto::SecretKey& secret,
                               const std::map<net::PeerId, net::PeerInfo>& peers,
                               const SessionTimeouts& timeouts)
    : loop_(loop),
      network_(network),
      clock_(clock),
      random_(random),
      secret_(secret),
      key_(crypto::public_key(secret)),
      peers_(peers),
      timeouts_(timeouts) {}

std::size_t ClientSessions::Session::hop_of(net::PeerId peer) const {
    for (std::size_t i = 0; i < hops.size(); ++i)
        if (hops[i].peer == peer) return i;
    return kNoHop;
}

net::PeerId ClientSessions::peer_by_key(const crypto::PublicKey& key) const {
    for (const auto& [peer, info] : peers_)
        if (info.key == key) return peer;
    return 0;
}

void ClientSessions::after(std::uint64_t delay_ms, Session& session,
                           void (ClientSessions::*deadline)(Session&)) {
    if (session.timer != 0) loop_.cancel(session.timer);
    session.timer = loop_.call_after(delay_ms, alive_.guard([this, id = session.id(), deadline] {
        const auto found = sessions_.find(id);
        if (found == sessions_.end()) return;
        found->second->timer = 0;
        (this->*deadline)(*found->second);
    }));
}

void ClientSessions::open(const OpenRequest& request, SessionCallback<Hash256> done) {
    CHECK(!request.route.empty() && request.route.size() <= kMaxHops);
    auto session = std::make_unique<Session>();
    session->terms = {.session = random_.hash256(),
                      .model = request.model,
                      .kv = request.kv,
                      .max_positions = request.max_positions};
    session->dim = request.dim;
    for (const Hop& hop : request.route) session->hops.push_back({hop, 0, false, {}, {}});
    session->open_done = std::move(done);
    Session& opening = *session;
    sessions_[opening.id()] = std::move(session);
    after(timeouts_.open_ms, opening, &ClientSessions::open_deadline);
    for (std::size_t i = 0; i < opening.hops.size(); ++i) {
        if (const net::PeerId peer = peer_by_key(opening.hops[i].hop.key))
            send_open(opening, i, peer);
        else
            network_.connect(opening.hops[i].hop.address);
    }
}

void ClientSessions::send_open(Session& session, std::size_t hop, net::PeerId peer) {
    session.hops[hop].peer = peer;
    OpenSession message;
    message.terms = session.terms;
    message.layers = session.hops[hop].hop.layers;
    send(network_, peer, MessageKind::kOpenSession, encode(message));
}

void ClientSessions::open_deadline(Session& session) {
    for (std::size_t i = 0; i < session.hops.size(); ++i) {
        if (session.hops[i].opened) continue;
        return fail(session.id(), ErrorCode::kTimeout,
                    session.hops[i].peer == 0 ? "cannot be reached" : "did not open the session",
                    i);
    }
}

void ClientSessions::on_opened(net::PeerId peer, ByteView body) {
    const auto id = decode_session_id(body);
    if (!id.ok()) return;
    const auto found = sessions_.find(*id);
    if (found == sessions_.end()) {
        // Too late, we gave up on it: let the server free what it set aside.
        send(network_, peer, MessageKind::kClose, encode_session_id(*id));
        return;
    }
    Session& session = *found->second;
    const std::size_t hop = session.hop_of(peer);
    if (hop == kNoHop || session.is_open) return;
    session.hops[hop].opened = true;
    if (!std::ranges::all_of(session.hops, &HopState::opened)) return;
    session.is_open = true;
    if (session.timer != 0) loop_.cancel(session.timer);
    session.timer = 0;
    const SessionCallback<Hash256> done = std::exchange(session.open_done, nullptr);
    done(*id);
}

void ClientSessions::on_problem(net::PeerId peer, ByteView body) {
    const auto problem = decode_session_problem(body);
    if (!problem.ok()) return;
    const auto found = sessions_.find(problem->session);
    if (found == sessions_.end()) return;
    Session& session = *found->second;
    const std::size_t hop = session.hop_of(peer);
    if (hop == kNoHop) return;
    ErrorCode code = ErrorCode::kRefused;
    if (problem->refusal == Refusal::kBusy) code = ErrorCode::kFull;  // it may have room later
    if (problem->refusal == Refusal::kExpired) code = ErrorCode::kIo;
    fail(session.id(), code,
         std::string("refused (") + refusal_name(problem->refusal) + "): " + problem->reason, hop);
}

void ClientSessions::close(const Hash256& session) {
    ended_.erase(session);
    if (sessions_.contains(session))
        fail(session, ErrorCode::kCancelled, "the session was closed", kNoHop);
}

void ClientSessions::fail(const Hash256& id, ErrorCode code, const std::string& reason,
                          std::size_t blamed) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    const std::unique_ptr<Session> session = std::move(found->second);
    sessions_.erase(found);
    if (session->timer != 0) loop_.cancel(session->timer);
    for (const HopState& hop : session->hops)
        if (hop.peer != 0) send(network_, hop.peer, MessageKind::kClose, encode_session_id(id));

    Failure failure{{code, reason}, {}};
    if (blamed != kNoHop) {
        const Hop& hop = session->hops[blamed].hop;
        failure.server = hop.key;
        failure.error.message = "hop " + std::to_string(blamed + 1) + " of " +
                                std::to_string(session->hops.size()) + " (" + hop.address + ", " +
                                describe(hop.layers) + ") " + reason;
    }
    const bool unheard = !session->open_done && session->pending.empty();
    if (unheard && code != ErrorCode::kCancelled && ended_.size() < kMaxEnded) ended_[id] = failure;
    // A callback may call us again, so nothing but the session taken out above is used from here.
    if (session->open_done) session->open_done(failure);
    for (Pending& pending : session->pending) pending.done(failure);
}

void ClientSessions::on_peer_up(net::PeerId peer, const net::PeerInfo& info) {
    std::vector<std::pair<Hash256, std::size_t>> wrong;
    for (const auto& [id, session] : sessions_) {
        for (std::size_t i = 0; i < session->hops.size(); ++i) {
            const HopState& at = session->hops[i];
            if (at.peer != 0) continue;
            if (at.hop.key == info.key)
                send_open(*session, i, peer);
            else if (info.outbound && at.hop.address == info.address)
                wrong.emplace_back(id, i);
        }
    }
    for (const auto& [id, hop] : wrong)
        fail(id, ErrorCode::kRefused, "has another key than its announcement", hop);
}

void ClientSessions::on_peer_down(net::PeerId peer, const std::string& reason) {
    std::vector<std::pair<Hash256, std::size_t>> lost;
    for (const auto& [id, session] : sessions_)
        if (const std::size_t hop = session->hop_of(peer); hop != kNoHop)
            lost.emplace_back(id, hop);
    for (const auto& [id, hop] : lost)
        fail(id, ErrorCode::kIo, "was lost: connection closed: " + reason, hop);
}

void ClientSessions::on_connect_failed(const std::string& address, const std::string& reason) {
    std::vector<std::pair<Hash256, std::size_t>> lost;
    for (const auto& [id, session] : sessions_)
        for (std::size_t i = 0; i < session->hops.size(); ++i)
            if (session->hops[i].peer == 0 && session->hops[i].hop.address == address)
                lost.emplace_back(id, i);
    for (const auto& [id, hop] : lost)
        fail(id, ErrorCode::kIo, "cannot be reached: " + reason, hop);
}

void ClientSessions::on_message(net::PeerId peer, MessageKind kind, ByteView body) {
    switch (kind) {
        case MessageKind::kOpened:
            return on_opened(peer, body);
        case MessageKind::kRefused:
        case MessageKind::kSessionError:
            return on_problem(peer, body);
        case MessageKind::kResult:
            return on_result(peer, body);
        case MessageKind::kProgress:
            return on_progress(peer, body);
        default:
            return;  // not about a session, or for servers
    }
}

}  // namespace cairn::serve
