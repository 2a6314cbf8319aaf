#include "serve/client_sessions.h"

#include <algorithm>

#include "base/text.h"

namespace cairn::serve {

std::size_t max_rows(const Hop& hop, std::uint32_t dim) {
    return hop.price == 0 ? max_push_tokens(dim) : std::min(kMaxPaidRows, max_push_tokens(dim));
}

ClientSessions::ClientSessions(Loop& loop, net::Network& network, const Clock& clock,
                               Random& random, const std::map<net::PeerId, net::PeerInfo>& peers,
                               const SessionTimeouts& timeouts)
    : loop_(loop),
      network_(network),
      clock_(clock),
      random_(random),
      peers_(peers),
      timeouts_(timeouts) {}

net::PeerId ClientSessions::peer_by_key(const crypto::PublicKey& key) const {
    for (const auto& [peer, info] : peers_)
        if (info.key == key) return peer;
    return 0;
}

ClientSessions::Session* ClientSessions::session_at(net::PeerId peer, const Hash256& id) {
    const auto found = sessions_.find(id);
    return found == sessions_.end() || found->second->peer != peer ? nullptr : found->second.get();
}

void ClientSessions::open(OpenRequest request, OpenCallback done) {
    auto session = std::make_unique<Session>();
    session->terms = {.session = random_.hash256(),
                      .model = request.model,
                      .kv = request.kv,
                      .wire = request.wire,
                      .max_positions = request.max_positions,
                      .source_rows = request.source_rows};
    session->request = std::move(request);
    session->open_done = std::move(done);
    Session& opening = *session;
    const Hash256 id = opening.id();
    sessions_[id] = std::move(session);
    opening.open_timer = loop_.call_after(timeouts_.open_ms, alive_.guard([this, id] {
        const auto found = sessions_.find(id);
        if (found == sessions_.end() || found->second->is_open) return;
        found->second->open_timer = 0;
        if (found->second->peer == 0) return fail(id, ErrorCode::kIo, "cannot be reached");
        fail(id, ErrorCode::kIo, "did not open the session");
    }));
    if (const Status payable = find_channel(opening); !payable.ok()) {
        loop_.post(alive_.guard(
            [this, id, payable] { fail(id, ErrorCode::kUnsupported, payable.error().message); }));
        return;
    }
    if (const net::PeerId peer = peer_by_key(opening.request.hop.key))
        send_open(opening, peer);
    else
        network_.connect(opening.request.hop.address);
}

ServerWork& ClientSessions::work_of(const Hop& hop) {
    const auto found = std::ranges::find_if(work_, [&](const ServerWork& work) {
        return work.key == hop.key && work.layers == hop.layers;
    });
    if (found != work_.end()) return *found;
    ServerWork& work = work_.emplace_back();
    work.key = hop.key;
    work.address = hop.address;
    work.layers = hop.layers;
    return work;
}

Status ClientSessions::find_channel(Session& session) const {
    const Hop& hop = session.request.hop;
    if (hop.price == 0) return ok_status();
    const std::uint64_t price = row_price(hop.price, hop.layers);
    const auto refused = [&](const std::string& why) {
        return Error{ErrorCode::kRefused, "asks for " + chain::amount_text(price) +
                                              " coins for each row through " +
                                              describe(hop.layers) + ", and " + why};
    };
    if (purse_ == nullptr) return refused("nothing is to be paid from: give --pay DIR");
    if (hop.genesis_id != purse_->options().genesis_id)
        return refused("in the coin of another network");
    if (hop.price > purse_->options().max_price) return refused("that is more than you would pay");
    const auto channel = purse_->channel_to(hop.key);
    if (!channel.ok()) return refused(channel.error().message);
    const Status holds =
        check_holds((*channel)->record().terms.capacity, price, purse_->options().least_rows);
    if (!holds.ok()) return refused(holds.error().message);
    session.channel = *channel;
    session.row_price = price;
    return ok_status();
}

Status ClientSessions::pay(Session& session, std::uint64_t rows) {
    if (session.channel == nullptr) return ok_status();
    ASSIGN_OR_RETURN(const auto voucher, purse_->pay(*session.channel, session.row_price, rows));
    if (voucher)
        send(network_, session.peer, MessageKind::kVoucher,
             encode(VoucherGiven{session.id(), voucher->amount, voucher->signature}));
    return ok_status();
}

void ClientSessions::send_open(Session& session, net::PeerId peer) {
    session.peer = peer;
    OpenSession message{session.terms, session.request.hop.layers};
    if (session.channel != nullptr)
        message.payment =
            purse_->payment_for(*session.channel, session.terms, message.layers, session.row_price);
    send(network_, peer, MessageKind::kOpenSession, encode(message));
}

void ClientSessions::on_opened(net::PeerId peer, ByteView body) {
    const auto id = decode_session_id(body);
    if (!id.ok()) return;
    Session* session = session_at(peer, *id);
    if (session == nullptr) {
        // Too late, we gave up on it: let the server free what it set aside.
        send(network_, peer, MessageKind::kClose, encode_session_id(*id));
        return;
    }
    if (session->is_open) return;
    session->is_open = true;
    loop_.cancel(session->open_timer);
    session->open_timer = 0;
    // The last voucher may have been lost with its link, and then the server waits for it.
    if (session->channel != nullptr && session->channel->paid() > 0) {
        const chain::Voucher last = channel::voucher_of(session->channel->record());
        send(network_, peer, MessageKind::kVoucher,
             encode(VoucherGiven{*id, last.amount, last.signature}));
    }
    if (const Status paid = pay(*session, channel::kTokensAtRisk); !paid.ok())
        return fail(*id, paid.error().code, "is not paid: " + paid.error().message);
    ++work_of(session->request.hop).sessions;
    const OpenCallback done = std::exchange(session->open_done, nullptr);
    done(*id);
}

bool ClientSessions::is_paid_ahead(const Session& session) {
    if (!session.is_open || session.channel == nullptr) return false;
    const channel::Record& record = session.channel->record();
    return record.paid >= channel::add_up(record.counted, kRowsInHand * session.row_price);
}

void ClientSessions::on_problem(net::PeerId peer, ByteView body) {
    const auto problem = decode_session_problem(body);
    const Session* session = problem.ok() ? session_at(peer, problem->session) : nullptr;
    if (session == nullptr) return;
    std::string reason = std::string("refused (") + refusal_name(problem->refusal) +
                         "): " + printable_line(problem->reason);
    ErrorCode code = ErrorCode::kRefused;
    if (problem->refusal == Refusal::kBusy) code = ErrorCode::kFull;  // it may have room later
    if (problem->refusal == Refusal::kExpired) code = ErrorCode::kIo;
    if (problem->refusal == Refusal::kUnpaid) {
        code = ErrorCode::kUnsupported;  // by us
        if (session->channel != nullptr && !session->is_open) purse_->put_last(*session->channel);
        if (is_paid_ahead(*session)) {
            purse_->set_aside(*session->channel);
            reason +=
                "; by what came here it is paid ahead (rows that were lost on their way count "
                "there alone): open another channel";
        }
    }
    fail(problem->session, code, reason);
}

void ClientSessions::close(const Hash256& session) {
    const auto found = sessions_.find(session);
    if (found == sessions_.end()) return;
    if (found->second->open_timer != 0) loop_.cancel(found->second->open_timer);
    if (found->second->peer != 0)
        send(network_, found->second->peer, MessageKind::kClose, encode_session_id(session));
    if (found->second->channel != nullptr) Purse::end_session(*found->second->channel);
    sessions_.erase(found);
}

void ClientSessions::fail(const Hash256& id, ErrorCode code, const std::string& reason) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    // A callback may call us again, so nothing but these is used from here on.
    const OpenCallback open_done = std::move(found->second->open_done);
    const std::function<void(const Failure&)> ended = std::move(found->second->request.ended);
    const Failure failure{{code, reason}, found->second->request.hop.key};
    work_of(found->second->request.hop).ended = reason;
    close(id);
    if (open_done)
        open_done(failure);
    else if (ended)
        ended(failure);
}

void ClientSessions::on_peer_up(net::PeerId peer, const net::PeerInfo& info) {
    std::vector<Hash256> wrong;
    lines_[peer].heard_us = clock_.monotonic_us();
    for (const auto& [id, session] : sessions_) {
        const Hop& hop = session->request.hop;
        if (session->peer != 0) continue;
        if (hop.key == info.key)
            send_open(*session, peer);
        else if (info.outbound && hop.address == info.address)
            wrong.push_back(id);
    }
    for (const Hash256& id : wrong)
        fail(id, ErrorCode::kRefused, "has another key than its announcement");
}

void ClientSessions::on_peer_down(net::PeerId peer, const std::string& reason) {
    std::vector<Hash256> lost;
    lines_.erase(peer);
    for (const auto& [id, session] : sessions_)
        if (session->peer == peer) lost.push_back(id);
    for (const Hash256& id : lost)
        fail(id, ErrorCode::kIo, "was lost: connection closed: " + reason);
}

void ClientSessions::on_connect_failed(const std::string& address, const std::string& reason) {
    std::vector<Hash256> lost;
    for (const auto& [id, session] : sessions_)
        if (session->peer == 0 && session->request.hop.address == address) lost.push_back(id);
    for (const Hash256& id : lost) fail(id, ErrorCode::kIo, "cannot be reached: " + reason);
}

void ClientSessions::on_message(net::PeerId peer, MessageKind kind, ByteView body) {
    lines_[peer].heard_us = clock_.monotonic_us();
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
