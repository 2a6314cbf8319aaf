// The half of ClientSessions that sends hidden states, judges what comes back, and finds out who is
// silent.
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

    const Hash256 hash = states_hash(session.sent, states);
    Push message{
        .session = id,
        .position = session.sent,
        .tokens = static_cast<std::uint32_t>(tokens),
        .states = std::move(states),
        .receipts = {make_receipt(session.terms, {}, {}, hash, secret_, random_.hash256())}};
    session.pending.push_back({message.position, message.tokens, hash, std::move(done)});
    session.sent += message.tokens;
    if (!send(network_, session.hops.front().peer, MessageKind::kPush, encode(message)))
        return fail(id, ErrorCode::kIo, "takes no more: its connection is full or gone", 0);
    if (session.pending.size() == 1) wait_for_result(session);
}

void ClientSessions::on_result(net::PeerId peer, ByteView body) {
    auto decoded = decode_push(body);
    if (!decoded.ok()) {
        log_debug("serve: malformed result from peer {}: {}", peer, decoded.error().message);
        return;  // as if it had sent nothing: the deadline decides
    }
    Push& result = *decoded;
    const auto found = sessions_.find(result.session);
    if (found == sessions_.end()) return;
    Session& session = *found->second;
    if (session.hops.back().peer != peer || session.pending.empty()) return;

    if (const auto objection = object_to(result, session))
        return fail(session.id(), ErrorCode::kInvalid, objection->reason, objection->hop);

    const SessionCallback<States> done = std::move(session.pending.front().done);
    session.pending.pop_front();
    if (session.pending.empty()) {
        loop_.cancel(session.timer);
        session.timer = 0;
    } else {
        wait_for_result(session);
    }
    done(std::move(result.states));
}

std::optional<ClientSessions::Objection> ClientSessions::object_to(const Push& result,
                                                                   Session& session) {
    const Pending& asked = session.pending.front();
    const std::size_t last = session.hops.size() - 1;
    if (result.position != asked.position || result.tokens != asked.tokens ||
        result.states.size() != std::size_t{asked.tokens} * session.dim)
        return Objection{"answered for other positions than were asked", last};
    if (const Status finite = check_finite(result.states, session.dim); !finite.ok())
        return Objection{"sent a bad result: " + finite.error().message, last};
    if (result.receipts.size() != session.hops.size() + 1)
        return Objection{"did not send the receipts of all hops", last};
    Hash256 given = asked.states;
    for (std::size_t i = 0; i <= last; ++i) {
        const Receipt& receipt = result.receipts[i + 1];
        HopState& state = session.hops[i];
        state.inputs = roll(state.inputs, given);
        given = i == last ? states_hash(result.position, result.states) : receipt.output;
        const Status ok = check_receipt(session.terms, receipt, state.hop.key, given);
        // Every hop checks the receipt of the hop before it, so a bad one that arrives here is the
        // last hop's fault: it made it or let it pass.
        if (!ok.ok()) return Objection{"passed on a bad receipt: " + ok.error().message, last};
        if (receipt.layers != state.hop.layers)
            return Objection{"signed for other layers than were asked", i};
        if (receipt.inputs != state.inputs)
            return Objection{"signed for other inputs than it was given", i};
    }
    return std::nullopt;
}

void ClientSessions::wait_for_result(Session& session) {
    session.waiting_since_us = clock_.monotonic_us();
    after(timeouts_.ask_ms, session, &ClientSessions::ask_progress);
}

// A server that computes for long still answers questions at once, so a silent one is told from a
// slow one long before the deadline.
void ClientSessions::ask_progress(Session& session) {
    for (HopState& hop : session.hops) {
        hop.progress.reset();
        send(network_, hop.peer, MessageKind::kAskProgress, encode_session_id(session.id()));
    }
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

// The first hop that does not answer is gone. If all do and time is up, the stalled one is the
// first that has not taken in or not computed what it should.
void ClientSessions::judge_progress(Session& session) {
    if (session.pending.empty()) return;
    const std::uint64_t waited_ms = (clock_.monotonic_us() - session.waiting_since_us) / 1000;
    const std::string waited = "no result for " + std::to_string(waited_ms) + " ms and ";
    for (std::size_t i = 0; i < session.hops.size(); ++i)
        if (!session.hops[i].progress)
            return fail(session.id(), ErrorCode::kTimeout,
                        "is silent: " + waited + "it does not say how far it is", i);
    if (waited_ms < timeouts_.push_ms)
        return after(timeouts_.ask_ms, session, &ClientSessions::ask_progress);

    const std::uint32_t wanted = session.pending.front().position + session.pending.front().tokens;
    const std::string of_wanted = " of " + std::to_string(wanted) + " positions";
    for (std::size_t i = 0; i < session.hops.size(); ++i) {
        const Progress& progress = *session.hops[i].progress;
        if (progress.received < wanted)
            return fail(session.id(), ErrorCode::kTimeout,
                        "stalled: " + waited + "it has taken in " +
                            std::to_string(progress.received) + of_wanted,
                        i);
        if (progress.computed < wanted)
            return fail(session.id(), ErrorCode::kTimeout,
                        "stalled: " + waited + "it has computed " +
                            std::to_string(progress.computed) + of_wanted,
                        i);
    }
    fail(session.id(), ErrorCode::kTimeout, "stalled: " + waited + "it claims to have answered",
         session.hops.size() - 1);
}

}  // namespace cairn::serve
