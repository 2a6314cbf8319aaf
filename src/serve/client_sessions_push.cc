// The half of ClientSessions that sends hidden states, judges what comes back, and finds out who is
// silent.
#include <algorithm>

#include "base/log.h"
#include "serve/client_sessions.h"

namespace cairn::serve {

void ClientSessions::push(const Hash256& id, States states, SessionCallback<States> done) {
    if (const auto ended = ended_.find(id); ended != ended_.end()) {
        const Failure failure = ended->second;
        ended_.erase(ended);
        return done(failure);
    }
    const auto found = sessions_.find(id);
    if (found == sessions_.end() || !found->second->is_open)
        return done(Failure{{ErrorCode::kCancelled, "the session is closed"}, {}});
    Session& session = *found->second;
    CHECK(!states.empty() && states.size() % session.dim == 0);
    const std::size_t tokens = states.size() / session.dim;
    CHECK(tokens <= max_push_tokens(session.dim));
    if (const Status finite = check_finite(states, session.dim); !finite.ok())
        return done(Failure{finite.error(), {}});
    if (tokens > session.terms.max_positions - session.sent)
        return done(Failure{invalid("the session was opened for " +
                                    std::to_string(session.terms.max_positions) + " positions"),
                            {}});

    session.pending.push_back({session.sent, static_cast<std::uint32_t>(tokens), 0,
                               states_hash(session.sent, states), std::move(done)});
    session.sent += session.pending.back().tokens;
    if (session.pending.size() == 1) wait_for_result(session);
    send_push(session, session.pending.back(), std::move(states));
}

void ClientSessions::send_push(Session& session, const Pending& pending, States states) {
    const Push message{session.id(), pending.position, pending.tokens, std::move(states)};
    if (!send(network_, session.hops[pending.hop].peer, MessageKind::kPush, encode(message)))
        fail(session.id(), ErrorCode::kIo, "takes no more: its connection is full or gone",
             pending.hop);
}

void ClientSessions::on_result(net::PeerId peer, ByteView body) {
    auto result = decode_result(body);
    if (!result.ok()) {
        log_debug("serve: malformed result from peer {}: {}", peer, result.error().message);
        return;  // as if it had sent nothing: the deadline decides
    }
    const auto found = sessions_.find(result->push.session);
    if (found == sessions_.end()) return;
    Session& session = *found->second;
    const std::size_t hop = session.hop_of(peer);
    const auto asked = std::ranges::find(session.pending, hop, &Pending::hop);
    if (asked == session.pending.end()) return;
    if (const auto objection = object_to(*result, *asked, session))
        return fail(session.id(), ErrorCode::kInvalid, *objection, hop);

    const bool oldest = asked == session.pending.begin();
    if (++asked->hop < session.hops.size()) {
        if (oldest) wait_for_result(session);
        asked->states = states_hash(asked->position, result->push.states);
        return send_push(session, *asked, std::move(result->push.states));
    }
    // The hops answer in order, so it is the oldest.
    const SessionCallback<States> done = std::move(asked->done);
    session.pending.pop_front();
    if (session.pending.empty()) {
        loop_.cancel(session.timer);
        session.timer = 0;
    } else {
        wait_for_result(session);
    }
    done(std::move(result->push.states));
}

std::optional<std::string> ClientSessions::object_to(const PushResult& result, const Pending& asked,
                                                     Session& session) {
    const Push& push = result.push;
    if (push.position != asked.position || push.tokens != asked.tokens ||
        push.states.size() != std::size_t{asked.tokens} * session.dim)
        return "answered for other positions than were asked";
    if (const Status finite = check_finite(push.states, session.dim); !finite.ok())
        return "sent a bad result: " + finite.error().message;
    HopState& state = session.hops[asked.hop];
    state.inputs = roll(state.inputs, asked.states);
    const Hash256 output = states_hash(push.position, push.states);
    const Status ok = check_receipt(session.terms, result.receipt, state.hop.key, output);
    if (!ok.ok()) return "sent a bad receipt: " + ok.error().message;
    if (result.receipt.layers != state.hop.layers) return "signed for other layers than were asked";
    if (result.receipt.inputs != state.inputs) return "signed for other inputs than it was given";
    return std::nullopt;
}

void ClientSessions::wait_for_result(Session& session) {
    session.waiting_since_us = clock_.monotonic_us();
    after(timeouts_.ask_ms, session, &ClientSessions::ask_progress);
}

// A server that computes for long still answers questions at once, so a silent one is told from a
// slow one long before the deadline.
void ClientSessions::ask_progress(Session& session) {
    HopState& hop = session.hops[session.pending.front().hop];
    hop.progress.reset();
    send(network_, hop.peer, MessageKind::kAskProgress, encode_session_id(session.id()));
    after(timeouts_.progress_ms, session, &ClientSessions::judge_progress);
}

void ClientSessions::on_progress(net::PeerId peer, ByteView body) {
    const auto progress = decode_progress(body);
    if (!progress.ok()) return;
    const auto found = sessions_.find(progress->session);
    if (found == sessions_.end()) return;
    const std::size_t hop = found->second->hop_of(peer);
    if (hop != kNoHop) found->second->hops[hop].progress = *progress;
}

void ClientSessions::judge_progress(Session& session) {
    const Pending& oldest = session.pending.front();
    const std::uint64_t waited_ms = (clock_.monotonic_us() - session.waiting_since_us) / 1000;
    const std::string waited = "no result for " + std::to_string(waited_ms) + " ms and ";
    const std::optional<Progress>& progress = session.hops[oldest.hop].progress;
    if (!progress)
        return fail(session.id(), ErrorCode::kTimeout,
                    "is silent: " + waited + "it does not say how far it is", oldest.hop);
    if (waited_ms < timeouts_.push_ms)
        return after(timeouts_.ask_ms, session, &ClientSessions::ask_progress);

    const std::uint32_t wanted = oldest.position + oldest.tokens;
    const std::string of_wanted = " of " + std::to_string(wanted) + " positions";
    std::string says = "it claims to have answered";
    if (progress->computed < wanted)
        says = "it has computed " + std::to_string(progress->computed) + of_wanted;
    if (progress->received < wanted)
        says = "it has taken in " + std::to_string(progress->received) + of_wanted;
    fail(session.id(), ErrorCode::kTimeout, "stalled: " + waited + says, oldest.hop);
}

}  // namespace cairn::serve
