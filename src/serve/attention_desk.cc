#include "serve/attention_desk.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "base/priority.h"

namespace cairn::serve {

namespace {

/// How far the proving thread steps back.
constexpr int kBehind = 9;
/// Parts of the network whose budgets are kept; of more, that which has most left is forgotten.
constexpr std::size_t kMaxGroups = 1024;

Result<AttentionProof> prove_behind(const Exhibit& session, const ModelSnapshot& model,
                                    std::span<const audit::HeadPlace> heads,
                                    const std::atomic<bool>& broken_off) {
    Result<AttentionProof> made = invalid("not proved");
    run_behind(kBehind, [&] {
        ThreadPool one(1);
        const auto kernels = tensor::kernels_from_environment();
        CHECK(kernels.ok());
        made = prove_attention(session, model, heads, {*kernels, &one},
                               [&broken_off] { return broken_off.load(); });
    });
    return made;
}

Refusal refusal_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::kFull:
            return Refusal::kBusy;
        case ErrorCode::kUnsupported:
            return Refusal::kUnsupported;
        case ErrorCode::kNotFound:
            return Refusal::kWrongModel;
        default:
            return Refusal::kBadRequest;
    }
}

}  // namespace

AttentionDesk::AttentionDesk(Loop& loop, net::Network& network, const Clock& clock,
                             const crypto::PublicKey& key, AttentionDeskOptions options)
    : loop_(loop), network_(network), clock_(clock), key_(key), options_(std::move(options)) {
    CHECK(options_.group_part > 0 && options_.all_part > 0);
    all_ = {static_cast<std::int64_t>(options_.beforehand_ms * 1000), clock_.monotonic_us()};
}

AttentionDesk::~AttentionDesk() {
    if (broken_off_) *broken_off_ = true;
}

void AttentionDesk::set_model(ModelSnapshot snapshot) {
    std::erase_if(models_, [&](const ModelSnapshot& old) { return old.hash == snapshot.hash; });
    models_.push_front(std::move(snapshot));
    if (models_.size() > options_.max_models) models_.pop_back();
}

const ModelSnapshot* AttentionDesk::find_model(const Hash256& name) const {
    const auto found = std::ranges::find_if(
        models_, [&](const ModelSnapshot& model) { return model.is_called(name); });
    return found == models_.end() ? nullptr : &*found;
}

void AttentionDesk::refuse(net::PeerId peer, const Hash256& session, const Error& why) {
    send(network_, peer, kNoAttention,
         encode(SessionProblem{session, refusal_of(why.code), why.message}));
}

// What is cheap to see; check() looks at signature and inputs.
Status AttentionDesk::wrong_with(const AttentionQuestion& question,
                                 const ModelSnapshot* model) const {
    if (options_.max_rows == 0)
        return Error{ErrorCode::kUnsupported, options_.why_none.empty()
                                                  ? "this server proves no attention"
                                                  : options_.why_none};
    if (model == nullptr)
        return not_found("this server does not hold model " + short_hex(question.terms.model));
    const std::size_t rows = question.rows.size() / model->config.dim;
    if (rows == 0 || rows * model->config.dim != question.rows.size())
        return invalid("the rows are not rows of this model");
    if (rows > options_.max_rows)
        return Error{ErrorCode::kUnsupported,
                     fmt::format("this server proves attention of {} rows at most, not of {}: what "
                                 "a proof costs grows with their square. Show an earlier receipt "
                                 "of the session",
                                 options_.max_rows, rows)};
    const std::size_t most = max_asked_heads(rows, model->config.head_dim());
    if (question.heads.size() > most)
        return Error{ErrorCode::kUnsupported,
                     fmt::format("of {} rows one question has {} heads at most, not {}: ask again "
                                 "for the others",
                                 rows, most, question.heads.size())};
    return ok_status();
}

Status AttentionDesk::no_place_for(net::PeerId peer, const std::string& group) const {
    std::size_t all = proving_for_ == 0 ? 0 : 1;
    std::size_t of_group = proving_for_ != 0 && last_group_ == group ? 1 : 0;
    bool asks_already = proving_for_ == peer;
    for (const Waiting& waiting : waiting_) {
        ++all;
        if (waiting.group == group) ++of_group;
        if (waiting.peer == peer) asks_already = true;
    }
    if (asks_already)
        return Error{ErrorCode::kFull, "one question at a time: the last one is not answered yet"};
    if (all + of_group >= options_.max_waiting)
        return Error{ErrorCode::kFull,
                     "others wait for proofs here; try again in a minute, or check by replay"};
    return ok_status();
}

std::int64_t AttentionDesk::left_of(const Budget& budget, std::uint32_t part) const {
    const auto grown = static_cast<std::int64_t>((clock_.monotonic_us() - budget.at_us) / part);
    return std::min(static_cast<std::int64_t>(options_.beforehand_ms * 1000),
                    budget.left_us + grown);
}

std::int64_t AttentionDesk::left_of(const std::string& group) const {
    const auto found = groups_.find(group);
    return found == groups_.end() ? static_cast<std::int64_t>(options_.beforehand_ms * 1000)
                                  : left_of(found->second, options_.group_part);
}

Status AttentionDesk::spent_by(const std::string& group) const {
    const std::int64_t left_us = left_of(group);
    if (left_us > 0) return ok_status();
    return Error{ErrorCode::kFull,
                 fmt::format("much was proved for your part of the network: try again in {} s, or "
                             "check by replay",
                             -left_us * options_.group_part / 1'000'000 + 1)};
}

void AttentionDesk::charge(const std::string& group, std::uint64_t took_us) {
    const std::uint64_t now_us = clock_.monotonic_us();
    const auto took = static_cast<std::int64_t>(took_us);
    all_ = {left_of(all_, options_.all_part) - took, now_us};
    const Budget of_group{left_of(group) - took, now_us};
    groups_[group] = of_group;
    std::erase_if(groups_, [&](const auto& entry) {
        return left_of(entry.first) >= static_cast<std::int64_t>(options_.beforehand_ms * 1000);
    });
    if (groups_.size() > kMaxGroups)
        groups_.erase(std::ranges::max_element(
            groups_, {}, [&](const auto& entry) { return left_of(entry.first); }));
}

void AttentionDesk::ask(net::PeerId peer, ByteView body) {
    auto question = decode_attention_question(body);
    if (!question.ok()) return refuse(peer, {}, question.error());
    const Hash256& session = question->terms.session;
    const ModelSnapshot* model = find_model(question->terms.model);
    if (const Status wrong = wrong_with(*question, model); !wrong.ok())
        return refuse(peer, session, wrong.error());
    const std::string group = options_.group_of ? options_.group_of(peer) : "";
    if (const Status full = no_place_for(peer, group); !full.ok())
        return refuse(peer, session, full.error());
    if (const Status spent = spent_by(group); !spent.ok())
        return refuse(peer, session, spent.error());
    auto asked = std::make_shared<const Exhibit>(
        Exhibit{question->terms, key_, question->receipt, {std::move(question->rows)}});
    waiting_.push_back({peer, group, *model, std::move(asked), std::move(question->heads), false});
    check(waiting_.back());
}

// Who shows what this server did not sign for hears so at once, and holds no place from which he
// keeps others. The loop would stand still for a question of the largest size.
void AttentionDesk::check(const Waiting& question) {
    offload(
        loop_, Lane::kWork,
        [session = question.session, model = question.model] {
            return check_provable(*session, model);
        },
        alive_.guard(
            [this, peer = question.peer, session = question.session](const Status& provable) {
                const auto found = std::ranges::find(waiting_, session, &Waiting::session);
                if (found == waiting_.end()) return;  // whoever asked has left
                if (provable.ok()) {
                    found->checked = true;
                } else {
                    waiting_.erase(found);
                    refuse(peer, session->terms.session, provable.error());
                }
                start();
            }));
}

void AttentionDesk::forget(net::PeerId peer) {
    std::erase_if(waiting_, [peer](const Waiting& waiting) { return waiting.peer == peer; });
    if (proving_for_ == peer) *broken_off_ = true;
}

bool AttentionDesk::can_be_sent(const Waiting& question) const {
    const model::ModelConfig& config = question.model.config;
    const std::size_t rows = question.session->inputs[0].size() / config.dim;
    return network_.has_room(question.peer,
                             question.heads.size() * largest_claim_bytes(rows, config.head_dim()));
}

// Parts of the network take turns.
void AttentionDesk::start() {
    if (proving_for_ != 0 || resting_) return;
    auto next = std::ranges::find_if(waiting_, [this](const Waiting& waiting) {
        return waiting.checked && waiting.group != last_group_;
    });
    if (next == waiting_.end()) next = std::ranges::find_if(waiting_, &Waiting::checked);
    if (next == waiting_.end()) return;
    if (const std::int64_t left_us = left_of(all_, options_.all_part); left_us <= 0) {
        resting_ = true;
        const auto ms = static_cast<std::uint64_t>(-left_us) * options_.all_part / 1000 + 1;
        loop_.call_after(ms, alive_.guard([this] {
            resting_ = false;
            start();
        }));
        return;
    }
    Waiting taken = std::move(*next);
    waiting_.erase(next);
    Status may = spent_by(taken.group);
    if (may.ok() && !can_be_sent(taken))
        may = Error{ErrorCode::kFull, "the connection takes no more: read what was sent"};
    if (!may.ok()) {
        refuse(taken.peer, taken.session->terms.session, may.error());
        return start();
    }
    began_us_ = clock_.monotonic_us();
    proving_for_ = taken.peer;
    last_group_ = taken.group;
    broken_off_ = std::make_shared<std::atomic<bool>>(false);
    const Hash256 session = taken.session->terms.session;
    const net::PeerId peer = taken.peer;
    offload(
        loop_, Lane::kProve,
        [taken = std::move(taken), broken_off = broken_off_] {
            return prove_behind(*taken.session, taken.model, taken.heads, *broken_off);
        },
        alive_.guard([this, peer, session](const Result<AttentionProof>& made) {
            finish(peer, session, made);
        }));
}

void AttentionDesk::finish(net::PeerId peer, const Hash256& session,
                           const Result<AttentionProof>& made) {
    charge(last_group_, clock_.monotonic_us() - began_us_);
    proving_for_ = 0;
    broken_off_.reset();
    if (!made.ok()) {
        log_debug("no proof of attention for peer {}: {}", peer, made.error().message);
        refuse(peer, session, made.error());
    } else {
        for (const audit::HeadClaim& claim : made->claims) {
            ++proved_;
            if (send(network_, peer, kAttention, encode(AttentionAnswer{session, claim}))) continue;
            refuse(peer, session,
                   {ErrorCode::kFull, "the connection takes no more: ask for fewer heads"});
            break;
        }
    }
    start();
}

}  // namespace cairn::serve
