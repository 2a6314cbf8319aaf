#include "serve/kept_session.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "audit/replay.h"
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

SessionPushes cut_as_writers_do(const Hop& hop, std::uint32_t dim, std::span<const float> source,
                                std::span<const float> text, std::size_t steps) {
    SessionPushes made;
    const auto cut = [&](std::span<const float> rows, std::size_t most) {
        for (; !rows.empty(); rows = rows.subspan(made.rows.back().size())) {
            const auto piece = rows.first(std::min(most * dim, rows.size()));
            made.rows.emplace_back(piece.begin(), piece.end());
        }
    };
    cut(source, piece_rows(hop, dim, true));
    made.ahead = made.rows.size();
    cut(text.first(text.size() - steps * dim), piece_rows(hop, dim, false));
    if (hop.layers.begin == 0) made.ahead = made.rows.size();
    cut(text.last(steps * dim), 1);
    return made;
}

SessionPlay::SessionPlay(Client& client, const OpenRequest& request, std::vector<States> pushes,
                         std::function<void(KeptSession)> done, std::size_t ahead)
    : client_(client), request_(request), ahead_(ahead), done_(std::move(done)) {
    CHECK(!pushes.empty());
    request_.ended = alive_.guard([this](const Failure& failure) {
        kept_.ended = failure;
        finish();
    });
    kept_.hop = request.hop;
    kept_.pushes = std::move(pushes);
    client_.sessions().watch_receipts(
        [this](const SessionTerms& terms, const Hop&, const Receipt& receipt) {
            kept_.terms = terms;
            kept_.receipts.push_back(receipt);
        });
}

void SessionPlay::start() {
    client_.sessions().open(request_, alive_.guard([this](std::variant<Hash256, Failure> answer) {
        if (Failure* failure = std::get_if<Failure>(&answer)) {
            kept_.ended = std::move(*failure);
            return finish();
        }
        session_ = std::get<Hash256>(answer);
        next();
    }));
}

void SessionPlay::next() {
    if (!done_) return;  // given up
    const std::size_t answered = kept_.outputs.size();
    if (answered == kept_.pushes.size()) {
        client_.sessions().close(session_);
        return finish();
    }
    while (sent_ < kept_.pushes.size() && sent_ < answered + (sent_ < ahead_ ? kMaxUnderWay : 1) &&
           push_next()) {
    }
}

bool SessionPlay::push_next() {
    const States& rows = kept_.pushes[sent_++];
    const Status sent =
        client_.sessions().push(session_, position_, rows, position_ < request_.source_rows,
                                alive_.guard([this](States output) {
                                    kept_.outputs.push_back(std::move(output));
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
    return {
        trust::Finding::kConvicted,
        fmt::format("signed for row {} of {}, which is not what they give", row, describe(layers)),
        std::move(exhibit)};
}

}  // namespace cairn::serve
