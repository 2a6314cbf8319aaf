// The half of ClientSessions that sends hidden states, judges what comes back, and finds out who is
// silent.
#include <algorithm>

#include "base/log.h"
#include "serve/client_sessions.h"

namespace cairn::serve {

namespace {

// A line is taken to carry at least so much, until more was seen (1 MiB/s), and then half of it.
constexpr double kSlowestBytesPerUs = 1.048576;
constexpr std::uint64_t kLookEveryMs = 100;

}  // namespace

Status ClientSessions::push(const Hash256& id, std::uint32_t position, States states, bool quiet,
                            PushCallback done, const std::optional<Hash256>& output) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end() || !found->second->is_open)
        return Error{ErrorCode::kCancelled, "the session is closed"};
    Session& session = *found->second;
    const std::size_t dim = session.request.dim;
    CHECK(!states.empty() && states.size() % dim == 0);
    const std::size_t tokens = states.size() / dim;
    CHECK(tokens <= max_rows(session.request.hop, session.request.dim) &&
          position <= session.inputs.length());
    RETURN_IF_ERROR(check_finite(states, dim));
    if (tokens > session.terms.all_positions() - position)
        return invalid("the session was opened for " +
                       std::to_string(session.terms.all_positions()) + " positions");
    const bool is_source = position < session.terms.source_rows;
    CHECK(!is_source || (quiet && tokens <= session.terms.source_rows - position));

    if (session.channel != nullptr) {
        const Status covered = purse_->check_covers(
            *session.channel, (session.rows_under_way + tokens) * session.row_price);
        if (!covered.ok()) {
            loop_.post(alive_.guard([this, id, covered] {
                fail(id, ErrorCode::kUnsupported, covered.error().message);
            }));
            return covered;
        }
        const Status paid = tokens > kRowsInHand ? pay(session, kMaxPaidRows) : ok_status();
        if (!paid.ok()) {
            loop_.post(alive_.guard([this, id, paid] {
                fail(id, paid.error().code, "is not paid: " + paid.error().message);
            }));
            return paid;
        }
    }
    session.inputs.put(position, states, dim);
    if (session_watch_ != nullptr)
        session_watch_->pushed(session.terms, session.request.hop, position, states, dim);
    session.rows_sent += tokens;
    session.rows_under_way += tokens;
    const std::uint64_t now_us = clock_.monotonic_us();
    Pending pending{.position = position,
                    .tokens = static_cast<std::uint32_t>(tokens),
                    .quiet = quiet,
                    .rows_end = session.rows_sent,
                    .bytes = 0,
                    .sent_us = now_us,
                    .inputs = session.inputs.end(),
                    // Of the source nothing comes out.
                    .output = is_source ? std::optional(states_hash(position, {})) : output,
                    .done = std::move(done)};
    const Bytes body =
        encode(Push{id, position, pending.tokens, session.terms.wire, quiet, std::move(states)});
    pending.bytes = body.size();
    if (session.pending.empty()) session.oldest_since_us = now_us;
    session.pending.push_back(std::move(pending));
    if (!send(network_, session.peer, MessageKind::kPush, body))
        loop_.post(alive_.guard([this, id] {
            fail(id, ErrorCode::kIo, "takes no more: its connection is full or gone");
        }));
    if (!watching_) {
        looked_us_ = now_us;
        watch();
    }
    return ok_status();
}

void ClientSessions::on_result(net::PeerId peer, ByteView body) {
    auto result = decode_result(body);
    if (!result.ok()) {
        log_debug("serve: malformed result from peer {}: {}", peer, result.error().message);
        return;  // as if it had sent nothing: the deadline decides
    }
    Session* session = session_at(peer, result->push.session);
    if (session == nullptr || session->pending.empty()) return;
    if (const auto objection = object_to(*result, *session))
        return fail(session->id(), ErrorCode::kInvalid, *objection);
    if (receipt_watch_) receipt_watch_(session->terms, session->request.hop, result->receipt);
    if (session_watch_ != nullptr)
        session_watch_->answered(session->terms, result->receipt, result->push.states);
    look_at_clock();
    const Pending& oldest = session->pending.front();
    session->lateness.answered(
        late_us(*session, line_us(peer, oldest.bytes * (oldest.quiet ? 1 : 2))));
    const Pending answered = std::move(session->pending.front());
    session->pending.pop_front();
    session->rows_arrived = std::max(session->rows_arrived, answered.rows_end);
    const std::uint64_t now_us = clock_.monotonic_us();
    ServerWork& work = work_of(session->request.hop);
    ++work.pushes;
    work.rows += answered.tokens;
    work.waited_us += now_us - session->oldest_since_us;
    work.longest_us = std::max(work.longest_us, now_us - answered.sent_us);
    work.bytes_sent += answered.bytes;
    work.bytes_received += body.size();
    work.price += answered.tokens * session->row_price;
    session->oldest_since_us = now_us;
    session->rows_under_way -= answered.tokens;
    learn_rate(answered, peer);
    if (session->channel != nullptr) {
        session->channel->received(answered.tokens * session->row_price);
        if (const Status paid = pay(*session); !paid.ok())
            return fail(session->id(), paid.error().code, "is not paid: " + paid.error().message);
    }
    answered.done(std::move(result->push.states));
}

std::optional<std::string> ClientSessions::object_to(const PushResult& result,
                                                     const Session& session) {
    const Push& push = result.push;
    const Pending& asked = session.pending.front();
    const std::size_t values = asked.quiet ? 0 : std::size_t{asked.tokens} * session.request.dim;
    if (push.position != asked.position || push.tokens != asked.tokens ||
        push.states.size() != values || push.type != session.terms.wire)
        return "answered for other positions than were asked";
    if (const Status finite = check_finite(push.states, session.request.dim); !finite.ok())
        return "sent a bad result: " + finite.error().message;
    // Of a quiet push the states are not here; what they are is known if another computed them.
    if (asked.quiet && asked.output && result.receipt.output != *asked.output)
        return "computed again what was computed before, and signed for other states";
    const Hash256 output =
        asked.quiet ? result.receipt.output : states_hash(push.position, push.states);
    const Status ok = check_receipt(session.terms, result.receipt, session.request.hop.key, output);
    if (!ok.ok()) return "sent a bad receipt: " + ok.error().message;
    if (result.receipt.layers != session.request.hop.layers)
        return "signed for other layers than were asked";
    if (result.receipt.inputs != asked.inputs) return "signed for other inputs than it was given";
    return std::nullopt;
}

void ClientSessions::learn_rate(const Pending& answered, net::PeerId peer) {
    const std::uint64_t took_us = clock_.monotonic_us() - answered.sent_us;
    const std::size_t bytes = answered.bytes * (answered.quiet ? 1 : 2);
    double& rate = lines_[peer].bytes_per_us;
    if (took_us > 0) rate = std::max(rate, static_cast<double>(bytes) / double(took_us));
}

void ClientSessions::on_progress(net::PeerId peer, ByteView body) {
    const auto progress = decode_progress(body);
    if (!progress.ok()) return;
    Session* session = session_at(peer, progress->session);
    if (session == nullptr || progress->received > session->rows_sent) return;
    session->rows_arrived = std::max(session->rows_arrived, progress->received);
    session->rows_computed = progress->computed;
}

// A question waits behind the pushes that the server has not got yet, and its answer behind the
// result before it.
std::uint64_t ClientSessions::allowance_us(net::PeerId peer) const {
    std::size_t bytes = 0;
    for (const auto& [id, session] : sessions_) {
        if (session->peer != peer || session->pending.empty()) continue;
        for (const Pending& pending : session->pending)
            if (pending.rows_end > session->rows_arrived) bytes += pending.bytes;
        const Pending& oldest = session->pending.front();
        if (!oldest.quiet) bytes += oldest.bytes;
    }
    return line_us(peer, bytes);
}

std::uint64_t ClientSessions::line_us(net::PeerId peer, std::size_t bytes) const {
    const auto line = lines_.find(peer);
    const double seen = line == lines_.end() ? 0 : line->second.bytes_per_us / 2;
    return static_cast<std::uint64_t>(double(bytes) / std::max(kSlowestBytesPerUs, seen));
}

std::uint64_t ClientSessions::silent_us(const Session& session) const {
    const std::uint64_t now_us = clock_.monotonic_us();
    const auto line = lines_.find(session.peer);
    const std::uint64_t heard_us = line == lines_.end() ? 0 : line->second.heard_us;
    const std::uint64_t since_us = std::max({heard_us, awake_us_, session.pending.front().sent_us});
    return beyond(now_us, since_us + allowance_us(session.peer));
}

std::uint64_t ClientSessions::waited_us(const Session& session) const {
    return clock_.monotonic_us() - std::max(awake_us_, session.oldest_since_us);
}

std::uint64_t ClientSessions::late_us(const Session& session, std::uint64_t besides_us) const {
    const OpenRequest& request = session.request;
    const Pending& oldest = session.pending.front();
    // An encoder computes all of a text when the first of its rows are asked for.
    const bool is_whole = request.longest_text > 0 && oldest.position == request.source_rows;
    const std::uint64_t work = is_whole
                                   ? work_for(request.source_rows, request.source_rows, request.dim)
                                   : work_for(oldest.tokens, oldest.position, request.dim);
    const std::uint64_t layer_rows = work_in_rows(work, request.dim) * request.hop.layers.size();
    return beyond(waited_us(session), besides_us + allowed_us(layer_rows, request.hop.rows_per_s));
}

Waiting ClientSessions::waiting(const Hash256& id) const {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return {};
    const Session& session = *found->second;
    Waiting now{0, session.lateness.total_us() / 1000};
    if (session.pending.empty()) return now;
    now.silent_ms = silent_us(session) / 1000;
    now.late_ms += late_us(session, allowance_us(session.peer)) / 1000;
    return now;
}

void ClientSessions::forgive(const Hash256& id) {
    if (const auto found = sessions_.find(id); found != sessions_.end())
        found->second->lateness.forget();
}

// A server that computes for long still answers questions at once, so a silent one is told from a
// slow one long before the deadline.
void ClientSessions::watch() {
    watching_ = std::ranges::any_of(
        sessions_, [](const auto& entry) { return !entry.second->pending.empty(); });
    if (!watching_) return;
    loop_.call_after(kLookEveryMs, alive_.guard([this] {
        look_at_clock();
        std::vector<Hash256> busy;
        for (const auto& [id, session] : sessions_)
            if (!session->pending.empty()) busy.push_back(id);
        for (const Hash256& id : busy) look_at(id);
        watch();
    }));
}

// Who was stopped himself has no right to call others silent, or late.
void ClientSessions::look_at_clock() {
    const std::uint64_t now_us = clock_.monotonic_us();
    if (now_us - looked_us_ > 3 * kLookEveryMs * 1000) awake_us_ = now_us;
    looked_us_ = now_us;
}

void ClientSessions::look_at(const Hash256& id) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end() || found->second->pending.empty()) return;
    Session& session = *found->second;
    const OpenRequest& request = session.request;
    const std::string waited =
        "no result for " + std::to_string(waited_us(session) / 1000) + " ms and ";
    if (silent_us(session) >= timeouts_.silence_ms * 1000)
        return fail(id, ErrorCode::kIo, "is silent: " + waited + "it does not say how far it is");
    // It may be in the middle of what another has asked for (S28, S55).
    const std::uint64_t others = request.longest_text > 0 ? request.longest_text : kMaxPushTokens;
    const std::uint64_t before_us =
        allowance_us(session.peer) +
        allowed_us(others * request.hop.layers.size(), request.hop.rows_per_s);
    if (late_us(session, before_us) >= timeouts_.push_ms * 1000)
        return fail(id, ErrorCode::kTimeout,
                    "stalled: " + waited + "it says that it has computed " +
                        std::to_string(session.rows_computed) + " of " +
                        std::to_string(session.pending.front().rows_end) + " rows");
    Line& line = lines_[session.peer];
    const std::uint64_t now_us = clock_.monotonic_us();
    const std::uint64_t spoke_us =
        std::max({line.heard_us, line.asked_us, session.pending.front().sent_us});
    if (now_us - spoke_us < timeouts_.ask_ms * 1000) return;
    line.asked_us = now_us;
    send(network_, session.peer, MessageKind::kAskProgress, encode_session_id(id));
}

}  // namespace cairn::serve
