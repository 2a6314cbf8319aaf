#include "serve/kept_session.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "audit/replay.h"
#include "base/uniform.h"
#include "serve/exhibit_file.h"
#include "serve/stage.h"

namespace cairn::serve {

std::uint64_t KeptSession::rows(std::uint32_t dim) const {
    std::uint64_t count = 0;
    for (const States& states : outputs) count += states.size() / dim;
    return count;
}

std::uint64_t KeptSession::bytes() const {
    std::uint64_t count = receipts.size() * kReceiptBytes;
    for (const auto* list : {&pushes, &outputs})
        for (const States& states : *list) count += states.size() * sizeof(float);
    return count;
}

namespace {

std::vector<PlannedPush> one_by_one(std::vector<States> pushes) {
    std::vector<PlannedPush> made;
    for (States& rows : pushes) made.push_back({std::move(rows)});
    return made;
}

}  // namespace

std::vector<PlannedPush> cut_as_writers_do(const Hop& hop, std::uint32_t dim,
                                           std::span<const float> source,
                                           std::span<const float> text,
                                           std::span<const TextTurn> turns,
                                           const RestOfRoute& rest) {
    std::vector<PlannedPush> made;
    const auto take = [&](std::span<const float>& rows, std::size_t most, bool waits,
                          double pause_us) {
        const auto piece = rows.first(std::min(most * dim, rows.size()));
        made.push_back({{piece.begin(), piece.end()}, waits, static_cast<std::uint64_t>(pause_us)});
        rows = rows.subspan(piece.size());
    };
    while (!source.empty()) take(source, piece_rows(hop, dim, true), false, 0);
    const std::size_t most = piece_rows(hop, dim, false);
    const bool is_later = hop.layers.begin > 0;
    for (std::size_t i = 0; i < turns.size(); ++i) {
        auto prompt = text.first(turns[i].prompt * dim);
        text = text.subspan(prompt.size());
        double before_us = (is_later ? rest.trips_before_us : 0) + (i > 0 ? rest.turn_us : 0);
        for (bool waits = i > 0; !prompt.empty(); waits = false, before_us = 0) {
            const auto rows = static_cast<double>(std::min(most, prompt.size() / dim));
            take(prompt, most, waits, before_us + (is_later ? rows * rest.prompt_row_us : 0));
        }
        for (std::size_t step = 0; step < turns[i].steps; ++step)
            take(text, 1, true, rest.step_us + rest.trips_us);
    }
    CHECK(text.empty());
    return made;
}

void vary_pauses(std::vector<PlannedPush>& pushes, std::uint64_t most_us, Random& random) {
    constexpr double kUpTo = 0.2;
    double sum = 0;
    for (const PlannedPush& push : pushes) sum += static_cast<double>(push.pause_us);
    const double scale = std::min(1.0, static_cast<double>(most_us) / ((1 + kUpTo) * sum + 1));
    for (PlannedPush& push : pushes) {
        const double varied = scale * (1 - kUpTo + 2 * kUpTo * uniform(random));
        // In whole milliseconds, as timers are; what is shorter is one of them now and then.
        const double ms = static_cast<double>(push.pause_us) * varied / 1000;
        push.pause_us = static_cast<std::uint64_t>(ms + uniform(random)) * 1000;
    }
}

SessionPlay::SessionPlay(Client& client, const OpenRequest& request,
                         std::vector<PlannedPush> pushes, std::function<void(KeptSession)> done)
    : client_(client), request_(request), plan_(std::move(pushes)), done_(std::move(done)) {
    CHECK(!plan_.empty());
    request_.ended = alive_.guard([this](const Failure& failure) {
        kept_.ended = failure;
        finish();
    });
    kept_.hop = request.hop;
    for (PlannedPush& push : plan_) kept_.pushes.push_back(std::exchange(push.rows, {}));
    client_.sessions().watch_receipts(
        [this](const SessionTerms& terms, const Hop&, const Receipt& receipt) {
            kept_.terms = terms;
            kept_.receipts.push_back(receipt);
        });
}

SessionPlay::SessionPlay(Client& client, const OpenRequest& request, std::vector<States> pushes,
                         std::function<void(KeptSession)> done)
    : SessionPlay(client, request, one_by_one(std::move(pushes)), std::move(done)) {}

void SessionPlay::start() {
    client_.sessions().open(request_, alive_.guard([this](std::variant<Hash256, Failure> answer) {
        if (Failure* failure = std::get_if<Failure>(&answer)) {
            kept_.ended = std::move(*failure);
            return finish();
        }
        session_ = std::get<Hash256>(answer);
        since_us_ = answered_us_ = client_.clock().monotonic_us();
        next();
    }));
}

void SessionPlay::next() {
    if (!done_ || pausing_) return;  // given up, or until the pause is over
    if (kept_.outputs.size() == kept_.pushes.size()) {
        client_.sessions().close(session_);
        return finish();
    }
    while (kept_.sent < plan_.size()) {
        const PlannedPush& push = plan_[kept_.sent];
        const std::size_t under_way = kept_.sent - kept_.outputs.size();
        if (push.waits && under_way > 0) return;
        const std::uint64_t now_us = client_.clock().monotonic_us();
        if (push.waits) since_us_ = std::max(since_us_, answered_us_);
        const std::uint64_t ready_us = since_us_ + push.pause_us;
        if (ready_us > now_us) {
            pausing_ = true;
            client_.loop().call_after((ready_us - now_us + 999) / 1000, alive_.guard([this] {
                pausing_ = false;
                next();
            }));
            return;
        }
        if (under_way >= kMaxUnderWay) return;
        since_us_ = ready_us;
        if (!push_next()) return;
    }
}

bool SessionPlay::push_next() {
    const States& rows = kept_.pushes[kept_.sent++];
    const Status sent =
        client_.sessions().push(session_, position_, rows, position_ < request_.source_rows,
                                alive_.guard([this](States output) {
                                    kept_.outputs.push_back(std::move(output));
                                    answered_us_ = client_.clock().monotonic_us();
                                    next();
                                }));
    position_ += static_cast<std::uint32_t>(rows.size() / request_.dim);
    if (sent.ok()) return true;
    // What this side cannot send says nothing of the server.
    client_.sessions().close(session_);
    kept_.ended =
        Failure{{ErrorCode::kFull, "not audited: " + sent.error().message}, request_.hop.key};
    finish();
    return false;
}

void SessionPlay::give_up(const std::string& why) {
    if (!done_) return;
    kept_.ended = Failure{{ErrorCode::kTimeout, why}, request_.hop.key};
    finish();
}

void SessionPlay::finish() {
    client_.sessions().watch_receipts(nullptr);
    if (const auto done = std::exchange(done_, nullptr)) done(std::move(kept_));
}

namespace {

/// What it means that a session ended before all was answered.
Examined judge_end(const KeptSession& session) {
    const Error& error = session.ended->error;
    if (error.code == ErrorCode::kFull || error.code == ErrorCode::kUnsupported)
        return {std::nullopt, error.message, std::nullopt};
    const bool wrong = error.code == ErrorCode::kInvalid;
    return {wrong ? trust::Finding::kWrong : trust::Finding::kUnanswered, error.message,
            std::nullopt};
}

Exhibit exhibit_of(const KeptSession& session, std::size_t push) {
    return {
        session.terms,
        session.hop.key,
        session.receipts[push],
        {session.pushes.begin(), session.pushes.begin() + static_cast<std::ptrdiff_t>(push) + 1}};
}

/// The first push whose outputs are not those that were computed, and the row of the sequence.
std::optional<std::pair<std::size_t, std::size_t>> first_difference(const KeptSession& session,
                                                                    std::span<const float> right,
                                                                    std::size_t dim) {
    std::size_t at = 0;
    for (std::size_t push = 0; push < session.outputs.size(); ++push) {
        const States& output = session.outputs[push];
        const auto* theirs = reinterpret_cast<const std::uint32_t*>(output.data());
        const auto* ours = reinterpret_cast<const std::uint32_t*>(right.data() + at);
        const auto found = std::mismatch(theirs, theirs + output.size(), ours);
        if (found.first != theirs + output.size())
            return std::pair(push, (at + static_cast<std::size_t>(found.first - theirs)) / dim);
        at += output.size();
    }
    return std::nullopt;
}

}  // namespace

Examined examine(const KeptSession& session, const ModelSnapshot& snapshot,
                 const tensor::Compute& compute) {
    const std::size_t answered = session.outputs.size();
    CHECK(session.receipts.size() >= answered);
    if (answered == 0) return judge_end(session);
    const std::size_t dim = snapshot.config.dim;
    const std::size_t source_rows = session.terms.source_rows;
    std::vector<float> inputs;
    for (std::size_t i = 0; i < answered; ++i)
        inputs.insert(inputs.end(), session.pushes[i].begin(), session.pushes[i].end());
    if (inputs.size() <= source_rows * dim && session.ended) return judge_end(session);
    const auto right =
        audit::recompute(snapshot.config, snapshot.weights, session.hop.layers, inputs,
                         session.terms.kv, compute, session.terms.wire, source_rows);
    if (!right.ok()) return {std::nullopt, right.error().message, std::nullopt};

    const auto difference = first_difference(session, *right, dim);
    if (!difference) {
        if (session.ended) return judge_end(session);
        return {trust::Finding::kRight,
                fmt::format("{} rows of {} are right to the bit", inputs.size() / dim - source_rows,
                            describe(session.hop.layers)),
                std::nullopt};
    }
    const auto [push, row] = *difference;
    return convict(exhibit_of(session, push), source_rows + row, snapshot);
}

// The definition has the last word: were a fast kernel wrong here, nobody would suffer for it.
Examined convict(Exhibit exhibit, std::size_t row, const ModelSnapshot& snapshot) {
    ThreadPool one(1);
    const auto reference = tensor::kernels_for(tensor::KernelSet::kReference);
    CHECK(reference.ok());
    const Verdict verdict = judge(exhibit, snapshot, {*reference, &one});
    if (!verdict.is_invalid())
        return {std::nullopt,
                "this machine's own kernels do not agree with the reference: run `cairn doctor`",
                std::nullopt};
    const model::LayerRange layers = exhibit.receipt.layers;
    std::string sentence =
        fmt::format("signed for row {} of {}, which is not what they give", row, describe(layers));
    if (!fits_file(exhibit))
        return {trust::Finding::kConvicted,
                std::move(sentence) + " (the session is too long to be shown to others)",
                std::nullopt};
    return {trust::Finding::kConvicted, std::move(sentence), std::move(exhibit)};
}

}  // namespace cairn::serve
