// The half of LayerServer that takes pushes, computes them in batches and sends them on.
#include <algorithm>
#include <cmath>

#include "base/float_mode.h"
#include "base/log.h"
#include "serve/layer_server.h"
#include "serve/layer_server_state.h"
#include "serve/route.h"

namespace cairn::serve {

namespace {

constexpr std::uint64_t kSlowForUs = 60'000'000;

}  // namespace

std::uint64_t LayerServer::cost(const Session& session) {
    const Push& push = session.waiting.front();
    const model::ModelConfig& config = session.loaded->snapshot.config;
    const std::uint64_t source_rows = session.request.terms.source_rows;
    const bool is_source = push.position < source_rows;
    // An encoder's text is computed as a whole when its first rows are asked for.
    if (!config.causal && !is_source && !session.asked)
        return work_for(source_rows, source_rows, config.dim);
    if (!config.causal || is_source) return std::uint64_t{push.tokens} * config.dim;
    return work_for(push.tokens, push.position, config.dim);
}

std::optional<SessionProblem> LayerServer::wrong_with(const Session& session,
                                                      const Push& message) const {
    const auto no = [&](Refusal refusal, std::string reason) {
        return SessionProblem{message.session, refusal, std::move(reason)};
    };
    const std::uint32_t dim = session.loaded->snapshot.config.dim;
    if (message.position > session.received)
        return no(Refusal::kBadRequest, "a push for position " + std::to_string(message.position) +
                                            ", expected " + std::to_string(session.received) +
                                            " or one before it");
    const SessionTerms& terms = session.request.terms;
    if (message.tokens > terms.all_positions() - message.position)
        return no(Refusal::kBadRequest, "the session was opened for " +
                                            std::to_string(terms.all_positions()) + " positions");
    if (message.position < terms.source_rows &&
        (!message.quiet || message.tokens > terms.source_rows - message.position))
        return no(Refusal::kBadRequest, "the first " + std::to_string(terms.source_rows) +
                                            " positions are the source's, which are pushed apart, "
                                            "and quietly");
    // What it makes of a text is computed once: else a row sent anew would cost it all rows.
    if (message.position < terms.source_rows && message.position != session.received &&
        !session.loaded->snapshot.config.causal)
        return no(Refusal::kBadRequest, "an encoder's text is pushed once, row after row");
    if (message.type != terms.wire)
        return no(Refusal::kBadRequest,
                  "the states are not of the type that the session was opened for");
    if (message.states.size() != std::size_t{message.tokens} * dim)
        return no(Refusal::kBadRequest, "a row of states must be " + std::to_string(dim) + " wide");
    if (session.request.payment && message.tokens > kMaxPaidRows)
        return no(Refusal::kBadRequest,
                  "a push of a paid session has " + std::to_string(kMaxPaidRows) + " rows at most");
    if (const Status finite = check_finite(message.states, dim); !finite.ok())
        return no(Refusal::kNotFinite, finite.error().message);
    if (session.waiting.size() >= options_.max_waiting_per_session ||
        session.waiting_tokens + message.tokens > max_push_tokens(dim))
        return no(Refusal::kBusy, "too many pushes of this session are waiting");
    return std::nullopt;
}

void LayerServer::push(net::PeerId peer, Push message) {
    const auto found = sessions_.find({peer, message.session});
    if (found == sessions_.end())
        return tell(peer, MessageKind::kSessionError,
                    {message.session, Refusal::kUnknownSession, "no such session here"});
    Session& session = *found->second;
    if (const auto problem = wrong_with(session, message))
        return fail(session, problem->refusal, problem->reason);

    session.received = message.position + message.tokens;
    session.rows_received += message.tokens;
    session.last_used_us = clock_.monotonic_us();
    if (session.waiting.empty()) turns_.begin(session.turn);
    session.waiting_tokens += message.tokens;
    session.waiting.push_back(std::move(message));
    if (!computing_) start_batch();
}

bool LayerServer::is_covered(const Session& session) const {
    return !session.request.payment ||
           options_.till->credit(session.request.payment->channel) >= session.price();
}

bool LayerServer::is_overdue(const Session& session) const {
    // Paid, it may still wait until what others have asked for is computed.
    return session.unpaid_since_us != 0 &&
           session.unpaid_since_us + options_.unpaid_ms * 1000 <= clock_.monotonic_us() &&
           !options_.till->is_paid(session.request.payment->channel, session.price());
}

void LayerServer::ask_for_credit(const Session& session) {
    options_.till->reserve(
        session.request.payment->channel, session.price(),
        alive_.guard([this, channel = session.request.payment->channel](const Status& reserved) {
            if (!reserved.ok()) return end_unpaid(channel, reserved.error().message);
            if (!computing_) start_batch();
        }));
}

std::vector<LayerServer::Session*> LayerServer::ready() {
    std::vector<Session*> waiting;
    for (const auto& [id, session] : sessions_) {
        if (session->waiting.empty()) continue;
        if (is_covered(*session)) {
            session->unpaid_since_us = 0;
            waiting.push_back(session.get());
        } else {
            if (session->unpaid_since_us == 0) session->unpaid_since_us = clock_.monotonic_us();
            ask_for_credit(*session);
        }
    }
    std::ranges::sort(waiting, {}, [this](const Session* session) {
        return std::pair(turns_.rank(session->turn, cost(*session)), session->serial);
    });
    return waiting;
}

void LayerServer::start_batch() {
    Batch batch{nullptr, secret_, {}, options_.lies, clock_.monotonic_us()};
    model::LayerRange layers;
    std::size_t tokens = 0;
    for (Session* session : ready()) {
        if (batch.items.empty()) {
            batch.loaded = session->loaded;
            layers = session->request.layers;
        }
        // A row of an encoder may stand for a whole text, so others wait for one of them at most.
        if (!batch.items.empty() && !batch.loaded->snapshot.config.causal) break;
        // A session's pushes stay in order, because one of them is computed at a time.
        Push& next = session->waiting.front();
        if (session->loaded != batch.loaded || session->request.layers != layers ||
            tokens + next.tokens > options_.max_batch_tokens || !is_covered(*session))
            continue;
        if (session->request.payment)
            options_.till->deliver(session->request.payment->channel, session->price());
        tokens += next.tokens;
        session->begun = true;
        turns_.charge(session->turn, cost(*session));
        batch.work += cost(*session);
        if (next.position >= session->request.terms.source_rows) session->asked = true;
        session->waiting_tokens -= next.tokens;
        batch.items.push_back({.id = session->id(),
                               .serial = session->serial,
                               .terms = session->request.terms,
                               .layers = layers,
                               .slot = session->slot,
                               .aux = random_.hash256(),
                               .made = {std::move(next), {}},
                               .problem = std::nullopt});
        session->waiting.pop_front();
        if (session->waiting.empty()) turns_.end(session->turn);
    }
    if (batch.items.empty()) return;
    computing_ = true;
    offload(
        loop_, Lane::kLayers,
        [batch = std::move(batch)]() mutable {
            compute(batch);
            return std::move(batch);
        },
        alive_.guard([this](Batch done) { finish_batch(done); }));
}

namespace {

/// Makes rows of the source the keys and values that cross attention sees. Rows of the text that
/// were computed with other ones go when the next push of the text truncates its cache: that push
/// begins where the source ends.
void read_source(model::Transformer& transformer, const SessionTerms& terms,
                 model::LayerRange layers, const Push& push, CacheSlot& slot) {
    if (!slot.source)
        slot.source.emplace(transformer.config(), layers, terms.source_rows, terms.kv);
    slot.source->truncate(push.position);
    transformer.read_source(push.states, *slot.source);
}

/// Turns the sign of the largest number of each row: a bit that no type of states loses.
void lie(std::span<float> hidden, std::size_t dim) {
    for (std::size_t at = 0; at < hidden.size(); at += dim) {
        const std::span<float> row = hidden.subspan(at, dim);
        float& largest = *std::ranges::max_element(row, {}, [](float x) { return std::abs(x); });
        largest = -largest;
    }
}

/// Rows of an encoder's text.
void keep_text(const Push& push, std::size_t dim, CacheSlot& slot) {
    slot.text.resize(push.position * dim);
    slot.text.insert(slot.text.end(), push.states.begin(), push.states.end());
    slot.encoded.clear();
}

/// What an encoder's layers make of the text's rows from `first` on, which `rows` repeat; all of
/// it is computed when the first are asked for. False: these are other rows.
bool encode_rows(model::Transformer& transformer, tensor::StateType wire, model::LayerRange layers,
                 std::size_t first, std::span<float> rows, CacheSlot& slot) {
    const std::size_t dim = transformer.config().dim;
    if (!std::ranges::equal(rows, std::span(slot.text).subspan(first * dim, rows.size())))
        return false;
    if (slot.encoded.empty()) {
        slot.encoded = slot.text;
        const model::Segment whole{nullptr, slot.text.size() / dim, wire};
        transformer.forward_layers(slot.encoded, std::span(&whole, 1), layers);
    }
    std::ranges::copy(std::span(slot.encoded).subspan(first * dim, rows.size()), rows.begin());
    return true;
}

}  // namespace

// An encoder's texts go through the layers one by one.
void LayerServer::encode_texts(Batch& batch, std::span<float> hidden) {
    model::Transformer& transformer = *batch.loaded->transformer;
    const std::size_t dim = transformer.config().dim;
    std::size_t row = 0;
    for (BatchItem& item : batch.items) {
        const Push& push = item.made.push;
        if (item.is_source()) {
            keep_text(push, dim, *item.slot);
            continue;
        }
        const std::span<float> rows = hidden.subspan(row * dim, push.tokens * dim);
        row += push.tokens;
        if (!encode_rows(transformer, item.terms.wire, item.layers,
                         push.position - item.terms.source_rows, rows, *item.slot))
            item.problem = SessionProblem{item.terms.session, Refusal::kBadRequest,
                                          "an encoder's rows are asked for by repeating its text"};
    }
}

// This and compute() run on Lane::kLayers and touch nothing but the batch. `hidden` has the rows
// that go through the layers.
Status LayerServer::forward(Batch& batch, std::span<float> hidden) {
    if (!batch.loaded->snapshot.config.causal) {
        encode_texts(batch, hidden);
        return ok_status();
    }
    std::vector<DividedRows> rows;
    std::vector<model::Segment> segments;
    for (BatchItem& item : batch.items) {
        const Push& push = item.made.push;
        CacheSlot& slot = *item.slot;
        if (batch.loaded->divided) {
            rows.push_back({item.serial, item.layers, item.terms.max_positions, item.terms.kv,
                            item.terms.wire, push.position, push.tokens});
            continue;
        }
        if (item.is_source()) {
            read_source(*batch.loaded->transformer, item.terms, item.layers, push, slot);
            continue;
        }
        if (!slot.cache)
            slot.cache.emplace(batch.loaded->snapshot.config, item.layers, item.terms.max_positions,
                               item.terms.kv);
        slot.cache->truncate(push.position - item.terms.source_rows);
        segments.push_back(
            {&*slot.cache, push.tokens, item.terms.wire, slot.source ? &*slot.source : nullptr});
    }
    if (batch.loaded->divided) return batch.loaded->divided->forward(hidden, rows);
    batch.loaded->transformer->forward_segments(hidden, segments);
    return ok_status();
}

void LayerServer::compute(Batch& batch) {
    set_float_mode();
    const std::size_t dim = batch.loaded->snapshot.config.dim;
    std::vector<float> hidden;
    for (BatchItem& item : batch.items) {
        const Push& push = item.made.push;
        item.slot->inputs.put(push.position, push.states, dim);
        if (item.is_source()) continue;
        hidden.insert(hidden.end(), push.states.begin(), push.states.end());
    }
    if (const Status computed = forward(batch, hidden); !computed.ok()) {
        batch.lost = computed.error().message;
        return;
    }
    if (batch.loaded->divided) batch.slow_parts = batch.loaded->divided->slow_parts();
    if (batch.lies) lie(hidden, dim);

    std::size_t row = 0;
    for (BatchItem& item : batch.items) {
        Push& push = item.made.push;
        const std::size_t rows = item.is_source() ? 0 : push.tokens;
        const std::span<const float> out = std::span(hidden).subspan(row * dim, rows * dim);
        row += rows;
        if (item.problem) continue;
        if (const Status finite = check_finite(out, dim); !finite.ok()) {
            item.problem = SessionProblem{item.terms.session, Refusal::kNotFinite,
                                          "after these layers " + finite.error().message};
            continue;
        }
        item.made.receipt = make_receipt(item.terms, item.layers, item.slot->inputs.end(),
                                         states_hash(push.position, out), batch.secret, item.aux);
        push.states.clear();
        if (!push.quiet) push.states.assign(out.begin(), out.end());
    }
}

void LayerServer::finish_batch(Batch& batch) {
    computing_ = false;
    if (!batch.lost.empty())
        lose_parts(*batch.loaded, batch.lost);
    else
        for (BatchItem& item : batch.items) finish_item(item);
    note_speed(batch);
    if (!computing_) start_batch();
}

// Clients hold a server to what it announces, so one that has become slower says so. Not for long:
// as long as it does nobody may come by whom it could learn that it is fast again.
void LayerServer::note_speed(const Batch& batch) {
    const std::uint64_t layer_rows =
        work_in_rows(batch.work, batch.loaded->snapshot.config.dim) * batch.items[0].layers.size();
    if (!batch.lost.empty() || options_.rows_per_s == 0 || layer_rows == 0) return;
    const std::uint64_t now_us = clock_.monotonic_us();
    const std::uint64_t took_us = now_us - batch.began_us;
    const bool was_slow = is_slow();
    if (!was_slow && slows_ > 0) lateness_.forget();
    slows_ = 0;
    lateness_.answered(beyond(took_us, allowed_us(layer_rows, options_.rows_per_s)));
    if (lateness_.total_us() < kTooLateUs) return;
    const auto seen = layer_rows * 1'000'000 / std::max<std::uint64_t>(took_us, 1);
    slows_ = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(seen, 1, options_.rows_per_s));
    slow_until_us_ = now_us + kSlowForUs;
    if (was_slow || slows_ == options_.rows_per_s) return;
    log_warn("{}: {} layer-rows a second, not {} as before; that is announced now{}",
             describe(batch.loaded->layers), slows_, options_.rows_per_s,
             batch.slow_parts.empty() ? "" : ". Slow: " + batch.slow_parts);
}

bool LayerServer::is_slow() const { return slows_ > 0 && clock_.monotonic_us() < slow_until_us_; }

std::uint32_t LayerServer::speed() const { return is_slow() ? slows_ : options_.rows_per_s; }

void LayerServer::finish_item(BatchItem& item) {
    const std::uint32_t tokens = item.made.push.tokens;
    tokens_computed_ += tokens;
    const auto found = sessions_.find(item.id);
    if (found == sessions_.end() || found->second->serial != item.serial) return;
    Session& session = *found->second;
    if (item.problem) return fail(session, item.problem->refusal, item.problem->reason);
    session.rows_computed += tokens;
    session.last_used_us = clock_.monotonic_us();
    network_.mark_useful(session.client);
    if (!send(network_, session.client, MessageKind::kResult, encode(item.made)))
        fail(session, Refusal::kBusy, "the connection to the client takes no more");
}

}  // namespace cairn::serve
