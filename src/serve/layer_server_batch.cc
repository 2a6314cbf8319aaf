// The half of LayerServer that takes pushes, computes them in batches and sends them on.
#include <algorithm>

#include "base/float_mode.h"
#include "base/log.h"
#include "serve/layer_server.h"
#include "serve/layer_server_state.h"

namespace cairn::serve {

std::optional<SessionProblem> LayerServer::wrong_with(const Session& session,
                                                      const Push& message) const {
    const auto no = [&](Refusal refusal, std::string reason) {
        return SessionProblem{message.session, refusal, std::move(reason)};
    };
    const std::uint32_t dim = session.loaded->snapshot.config.dim;
    if (!session.is_open) return no(Refusal::kBadRequest, "the session is not open yet");
    if (message.position != session.received)
        return no(Refusal::kBadRequest, "a push for position " + std::to_string(message.position) +
                                            ", expected " + std::to_string(session.received));
    if (message.tokens > session.request.terms.max_positions - session.received)
        return no(Refusal::kBadRequest, "the session was opened for " +
                                            std::to_string(session.request.terms.max_positions) +
                                            " positions");
    if (message.states.size() != std::size_t{message.tokens} * dim)
        return no(Refusal::kBadRequest, "a row of states must be " + std::to_string(dim) + " wide");
    if (message.receipts.size() > kMaxHops)
        return no(Refusal::kBadRequest, "more receipts than a route may have hops");
    if (const Status finite = check_finite(message.states, dim); !finite.ok())
        return no(Refusal::kNotFinite, finite.error().message);
    if (session.waiting.size() >= options_.max_waiting_per_session)
        return no(Refusal::kBusy, "too many pushes of this session are waiting");
    if (waiting_ >= options_.max_waiting)
        return no(Refusal::kBusy, "too many pushes are waiting at this server");
    return std::nullopt;
}

void LayerServer::push(net::PeerId peer, Push message) {
    const auto sender = peers_.find(peer);
    if (sender == peers_.end()) return;
    const auto found = sessions_.find(message.session);
    if (found == sessions_.end())
        return tell(peer, MessageKind::kSessionError,
                    {message.session, Refusal::kUnknownSession, "no such session here"});
    Session& session = *found->second;
    // A stranger's push must not end somebody's session.
    if (sender->second.key != session.request.previous)
        return tell(peer, MessageKind::kSessionError,
                    {message.session, Refusal::kBadRequest,
                     "pushes of this session come from another key"});
    if (const auto problem = wrong_with(session, message))
        return fail(session, problem->refusal, problem->reason);

    session.received += message.tokens;
    session.last_used_us = clock_.monotonic_us();
    if (session.waiting.empty()) ready_.push_back(session.id());
    session.waiting.push_back(std::move(message));
    ++waiting_;
    if (!computing_) start_batch();
}

void LayerServer::start_batch() {
    if (ready_.empty()) return;
    Batch batch{nullptr, secret_, {}};
    std::size_t tokens = 0;
    std::deque<Hash256> later;
    for (const Hash256& id : ready_) {
        Session& session = *sessions_.at(id);
        if (!batch.loaded) batch.loaded = session.loaded;
        const bool fits = session.loaded == batch.loaded &&
                          tokens + session.waiting.front().tokens <= options_.max_batch_tokens;
        if (!fits) {
            later.push_back(id);
            continue;
        }
        tokens += session.waiting.front().tokens;
        BatchItem item{.terms = session.request.terms,
                       .layers = session.request.layers,
                       .previous = session.request.previous,
                       .serial = session.serial,
                       .cache = session.cache,
                       .inputs = session.inputs,
                       .aux = random_.hash256(),
                       .push = std::move(session.waiting.front()),
                       .problem = std::nullopt};
        batch.items.push_back(std::move(item));
        session.waiting.pop_front();
        --waiting_;
    }
    // A session with more pushes goes behind the others. Its pushes stay in order, because only one
    // of them is computed at a time.
    for (const BatchItem& item : batch.items)
        if (!sessions_.at(item.terms.session)->waiting.empty()) later.push_back(item.terms.session);
    ready_ = std::move(later);
    computing_ = true;
    offload(
        loop_, Lane::kServe,
        [batch = std::move(batch)]() mutable {
            compute(batch);
            return std::move(batch);
        },
        alive_.guard([this](Batch done) { finish_batch(done); }));
}

// Runs on Lane::kServe and touches nothing but the batch.
void LayerServer::compute(Batch& batch) {
    set_float_mode();
    const std::size_t dim = batch.loaded->snapshot.config.dim;
    std::vector<float> hidden;
    std::vector<model::Segment> segments;
    for (BatchItem& item : batch.items) {
        const Hash256 states = states_hash(item.push.position, item.push.states);
        const Status signed_by_sender =
            check_receipt(item.terms, item.push.receipts.back(), item.previous, states);
        if (!signed_by_sender.ok()) {
            item.problem = SessionProblem{item.terms.session, Refusal::kBadReceipt,
                                          signed_by_sender.error().message};
            continue;
        }
        item.inputs = roll(item.inputs, states);
        hidden.insert(hidden.end(), item.push.states.begin(), item.push.states.end());
        segments.push_back({item.cache.get(), item.push.tokens});
    }
    batch.loaded->transformer.forward_segments(hidden, segments);

    std::size_t row = 0;
    for (BatchItem& item : batch.items) {
        if (item.problem) continue;
        const std::span<const float> out =
            std::span(hidden).subspan(row * dim, item.push.tokens * dim);
        row += item.push.tokens;
        if (const Status finite = check_finite(out, dim); !finite.ok()) {
            item.problem = SessionProblem{item.terms.session, Refusal::kNotFinite,
                                          "after these layers " + finite.error().message};
            continue;
        }
        item.push.states.assign(out.begin(), out.end());
        item.push.receipts.push_back(make_receipt(item.terms, item.layers, item.inputs,
                                                  states_hash(item.push.position, out),
                                                  batch.secret, item.aux));
    }
}

void LayerServer::finish_batch(Batch& batch) {
    computing_ = false;
    for (BatchItem& item : batch.items) finish_item(item);
    if (!computing_) start_batch();
}

void LayerServer::finish_item(BatchItem& item) {
    tokens_computed_ += item.push.tokens;
    const auto found = sessions_.find(item.terms.session);
    if (found == sessions_.end() || found->second->serial != item.serial) return;
    Session& session = *found->second;
    if (item.problem) return fail(session, item.problem->refusal, item.problem->reason);
    session.inputs = item.inputs;
    session.computed += item.push.tokens;
    session.last_used_us = clock_.monotonic_us();
    const bool to_next = session.request.has_next;
    const net::PeerId peer = to_next ? session.next_peer : session.client;
    const MessageKind kind = to_next ? MessageKind::kPush : MessageKind::kResult;
    if (!send(network_, peer, kind, encode(item.push)))
        fail(session, to_next ? Refusal::kNextHop : Refusal::kBusy,
             "the connection to " + std::string(to_next ? "the next hop" : "the client") +
                 " takes no more");
}

}  // namespace cairn::serve
