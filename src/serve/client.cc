#include "serve/client.h"

#include <algorithm>

#include "base/log.h"
#include "serve/client_state.h"

namespace cairn::serve {

Client::Client(Loop& loop, net::Network& network, const Clock& clock, Random& random,
               const crypto::SecretKey& secret, const ClientOptions& options)
    : loop_(loop),
      network_(network),
      clock_(clock),
      random_(random),
      secret_(secret),
      key_(crypto::public_key(secret)),
      options_(options) {}

Client::~Client() = default;

bool Client::send(net::PeerId peer, MessageKind kind, ByteView body) {
    return network_.send(peer, static_cast<std::uint16_t>(kind), body);
}

net::PeerId Client::peer_by_key(const crypto::PublicKey& key) const {
    for (const auto& [peer, info] : peers_)
        if (info.key == key) return peer;
    return 0;
}

void Client::after(std::uint64_t delay_ms, Session& session, void (Client::*deadline)(Session&)) {
    if (session.timer != 0) loop_.cancel(session.timer);
    session.timer = loop_.call_after(delay_ms, alive_.guard([this, id = session.id(), deadline] {
        const auto found = sessions_.find(id);
        if (found == sessions_.end()) return;
        found->second->timer = 0;
        (this->*deadline)(*found->second);
    }));
}

void Client::open(const OpenRequest& request, Answer<Hash256> done) {
    CHECK(!request.route.empty() && request.route.size() <= kMaxHops);
    auto session = std::make_unique<Session>();
    session->terms = {.session = random_.hash256(),
                      .model = request.model,
                      .kv = request.kv,
                      .max_positions = request.max_positions};
    session->dim = request.dim;
    for (const Hop& hop : request.route) session->links.push_back({hop, 0, false, {}, {}});
    session->open_done = std::move(done);
    Session& opening = *session;
    sessions_[opening.id()] = std::move(session);
    after(options_.open_ms, opening, &Client::open_deadline);
    for (std::size_t i = 0; i < opening.links.size(); ++i) {
        if (const net::PeerId peer = peer_by_key(opening.links[i].hop.key))
            send_open(opening, i, peer);
        else
            network_.connect(opening.links[i].hop.address);
    }
}

void Client::send_open(Session& session, std::size_t hop, net::PeerId peer) {
    session.links[hop].peer = peer;
    OpenSession message;
    message.terms = session.terms;
    message.layers = session.links[hop].hop.layers;
    message.previous = hop == 0 ? key_ : session.links[hop - 1].hop.key;
    message.has_next = hop + 1 < session.links.size();
    if (message.has_next) message.next = session.links[hop + 1].hop;
    send(peer, MessageKind::kOpenSession, encode(message));
}

void Client::open_deadline(Session& session) {
    for (std::size_t i = 0; i < session.links.size(); ++i) {
        if (session.links[i].opened) continue;
        return fail(session.id(), ErrorCode::kTimeout,
                    session.links[i].peer == 0 ? "cannot be reached" : "did not open the session",
                    i);
    }
}

void Client::on_opened(net::PeerId peer, ByteView body) {
    const auto id = decode_session_id(body);
    if (!id.ok()) return;
    const auto found = sessions_.find(*id);
    if (found == sessions_.end()) {
        // Late: we gave up on it. Free what the server set aside.
        send(peer, MessageKind::kClose, encode_session_id(*id));
        return;
    }
    Session& session = *found->second;
    const std::size_t hop = session.hop_of(peer);
    if (hop == kNoHop || session.is_open) return;
    session.links[hop].opened = true;
    const bool all = std::all_of(session.links.begin(), session.links.end(),
                                 [](const Session::Link& link) { return link.opened; });
    if (!all) return;
    session.is_open = true;
    if (session.timer != 0) loop_.cancel(session.timer);
    session.timer = 0;
    const Answer<Hash256> done = std::exchange(session.open_done, nullptr);
    done(*id);
}

void Client::on_problem(net::PeerId peer, ByteView body) {
    const auto problem = decode_session_problem(body);
    if (!problem.ok()) return;
    const auto found = sessions_.find(problem->session);
    if (found == sessions_.end()) return;
    Session& session = *found->second;
    const std::size_t hop = session.hop_of(peer);
    if (hop == kNoHop) return;
    const std::string says = session.links[hop].hop.address + " says " +
                             refusal_name(problem->refusal) + ": " + problem->reason;
    // The hop that speaks is alive; what it complains about may be a neighbour's doing.
    if (problem->refusal == Refusal::kNextHop && hop + 1 < session.links.size())
        return fail(session.id(), ErrorCode::kIo, "was lost: " + says, hop + 1);
    if (problem->refusal == Refusal::kBadReceipt && hop > 0)
        return fail(session.id(), ErrorCode::kInvalid, "sent a bad receipt: " + says, hop - 1);
    fail(session.id(), ErrorCode::kRefused,
         std::string("refused (") + refusal_name(problem->refusal) + "): " + problem->reason, hop);
}

void Client::close(const Hash256& session) {
    ended_.erase(session);
    if (sessions_.contains(session))
        fail(session, ErrorCode::kCancelled, "the session was closed", kNoHop);
}

void Client::fail(const Hash256& id, ErrorCode code, const std::string& reason,
                  std::size_t blamed) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    const std::unique_ptr<Session> session = std::move(found->second);
    sessions_.erase(found);
    if (session->timer != 0) loop_.cancel(session->timer);
    for (const Session::Link& link : session->links)
        if (link.peer != 0) send(link.peer, MessageKind::kClose, encode_session_id(id));

    Failure failure{{code, reason}, {}};
    if (blamed != kNoHop) {
        const Hop& hop = session->links[blamed].hop;
        failure.server = hop.key;
        failure.error.message = "hop " + std::to_string(blamed + 1) + " of " +
                                std::to_string(session->links.size()) + " (" + hop.address + ", " +
                                describe(hop.layers) + ") " + reason;
    }
    const bool unheard = !session->open_done && session->pending.empty();
    if (unheard && code != ErrorCode::kCancelled && ended_.size() < kMaxEnded) ended_[id] = failure;
    // Answers may call us again, so nothing of the session is touched after this.
    if (session->open_done) session->open_done(failure);
    for (Pending& pending : session->pending) pending.done(failure);
}

void Client::on_peer_up(net::PeerId peer, const net::PeerInfo& info) {
    peers_[peer] = info;
    std::vector<std::pair<Hash256, std::size_t>> wrong;
    for (const auto& [id, session] : sessions_) {
        for (std::size_t i = 0; i < session->links.size(); ++i) {
            const Session::Link& link = session->links[i];
            if (link.peer != 0) continue;
            if (link.hop.key == info.key)
                send_open(*session, i, peer);
            else if (info.outbound && link.hop.address == info.address)
                wrong.emplace_back(id, i);
        }
    }
    for (const auto& [id, hop] : wrong)
        fail(id, ErrorCode::kRefused, "has another key than its announcement", hop);
    for (const auto& search : searches_) {
        for (Search::Target& target : search->targets) {
            if (target.settled || target.peer != 0 || !info.outbound) continue;
            if (target.address != info.address) continue;
            target.peer = peer;
            send(peer, MessageKind::kAskAnnounce, {});
        }
    }
}

void Client::on_peer_down(net::PeerId peer, const std::string& reason) {
    peers_.erase(peer);
    std::vector<std::pair<Hash256, std::size_t>> lost;
    for (const auto& [id, session] : sessions_)
        if (const std::size_t hop = session->hop_of(peer); hop != kNoHop)
            lost.emplace_back(id, hop);
    for (const auto& [id, hop] : lost)
        fail(id, ErrorCode::kIo, "was lost: connection closed: " + reason, hop);
    for (const auto& search : searches_)
        for (std::size_t i = 0; i < search->targets.size(); ++i)
            if (search->targets[i].peer == peer) settle(*search, i, "closed: " + reason);
    finish_searches();
}

void Client::on_connect_failed(const std::string& address, const std::string& reason) {
    std::vector<std::pair<Hash256, std::size_t>> lost;
    for (const auto& [id, session] : sessions_)
        for (std::size_t i = 0; i < session->links.size(); ++i)
            if (session->links[i].peer == 0 && session->links[i].hop.address == address)
                lost.emplace_back(id, i);
    for (const auto& [id, hop] : lost)
        fail(id, ErrorCode::kIo, "cannot be reached: " + reason, hop);
    for (const auto& search : searches_)
        for (std::size_t i = 0; i < search->targets.size(); ++i)
            if (search->targets[i].address == address && search->targets[i].peer == 0)
                settle(*search, i, "cannot be reached: " + reason);
    finish_searches();
}

void Client::on_message(net::PeerId peer, std::uint16_t kind, Bytes body) {
    switch (static_cast<MessageKind>(kind)) {
        case MessageKind::kAnnounce:
            return on_announce(peer, body);
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
            return;  // what only servers get
    }
}

}  // namespace cairn::serve
