#include "serve/stage.h"

#include <algorithm>

namespace cairn::serve {

namespace {

constexpr std::size_t kPieceRows = 64;   // so that the next stage begins before this one ends
constexpr std::size_t kQuietRows = 128;  // of what is computed again
constexpr std::size_t kFollowRows = 16;  // a follower is sent so many at once
constexpr std::size_t kForgetRows = 32;
constexpr std::uint64_t kMostPatience = 4;  // times

}  // namespace

std::size_t piece_rows(const Hop& hop, std::uint32_t dim, bool quiet) {
    const std::size_t most =
        std::max<std::size_t>(1, std::min(max_push_tokens(dim) / 2, max_rows(hop, dim)));
    return std::min(most, quiet ? kQuietRows : kPieceRows);
}

Stage::Stage(Client& client, const SequenceTerms& terms, model::LayerRange layers, std::size_t done,
             bool keeps)
    : client_(client),
      terms_(terms),
      layers_(layers),
      done_(done),
      marks_(terms.dim, done),
      keeps_(keeps) {
    CHECK(done >= terms.source_rows);
}

void Stage::close() {
    for (const auto& replica : replicas_)
        if (replica->open) client_.sessions().close(replica->session);
    replicas_.clear();
}

bool Stage::has(const crypto::PublicKey& key) const {
    return std::ranges::any_of(replicas_,
                               [&](const auto& replica) { return replica->hop.key == key; });
}

Hop Stage::leader() const { return replicas_.empty() ? Hop{} : replicas_.front()->hop; }

Stage::Replica* Stage::find(std::uint64_t serial) {
    for (const auto& replica : replicas_)
        if (replica->serial == serial) return replica.get();
    return nullptr;
}

void Stage::add(const Hop& hop) {
    CHECK(complete());
    auto replica = std::make_unique<Replica>();
    const std::uint64_t serial = replica->serial = next_serial_++;
    replica->hop = hop;
    replica->since_us = client_.clock().monotonic_us();
    replicas_.push_back(std::move(replica));
    OpenRequest request{
        .model = terms_.model,
        .dim = terms_.dim,
        .max_positions = terms_.max_positions,
        .kv = terms_.kv,
        .wire = terms_.wire,
        .hop = hop,
        .source_rows = terms_.source_rows,
        .longest_text = terms_.longest_text,
        .ended = alive_.guard([this, serial](const Failure& failure) { remove(serial, failure); })};
    // Whoever opens it too late, when this stage has done without it, is told to close it.
    client_.sessions().open(
        std::move(request),
        [&sessions = client_.sessions(),
         alive = alive_.guard(
             [this, serial](const std::variant<Hash256, Failure>& answer, bool& taken) {
                 taken = find(serial) != nullptr;
                 on_opened(serial, answer);
             })](const std::variant<Hash256, Failure>& answer) mutable {
            bool taken_now = false;
            alive(answer, taken_now);
            if (const Hash256* id = std::get_if<Hash256>(&answer); id != nullptr && !taken_now)
                sessions.close(*id);
        });
}

void Stage::on_opened(std::uint64_t serial, const std::variant<Hash256, Failure>& answer) {
    Replica* replica = find(serial);
    if (replica == nullptr) return;
    if (const Failure* failure = std::get_if<Failure>(&answer)) return remove(serial, *failure);
    replica->session = std::get<Hash256>(answer);
    replica->open = true;
    pump();
    if (replica == replicas_.front().get()) hooks_.led(replica->hop);
}

void Stage::remove(std::uint64_t serial, const Failure& failure) {
    const auto found = std::ranges::find(replicas_, serial, &Replica::serial);
    if (found == replicas_.end()) return;
    const bool led = found == replicas_.begin();
    const std::unique_ptr<Replica> gone = std::move(*found);
    replicas_.erase(found);
    if (gone->open) client_.sessions().close(gone->session);
    if (led && !replicas_.empty()) {
        const auto next = std::ranges::max_element(replicas_, {}, [](const auto& replica) {
            return std::pair(replica->open, replica->answered);
        });
        std::rotate(replicas_.begin(), next, next + 1);
        pump();
    }
    const bool another_leads = led && leader_is_open();
    const Hop leads = leader();
    const bool unread = gone->answered > 0 && gone->answered <= terms_.source_rows;
    hooks_.lost(gone->hop, failure, led, unread);
    if (another_leads) hooks_.led(leads);
}

void Stage::put(std::span<const float> rows) {
    const std::size_t count = rows.size() / terms_.dim;
    const std::size_t before = inputs_.size();
    inputs_.resize(before + count * tensor::state_row_bytes(terms_.wire, terms_.dim));
    tensor::pack_states(terms_.wire, terms_.dim, rows, std::span(inputs_).subspan(before));
    rows_ += count;
    for (const auto& replica : replicas_)
        replica->is_level = replica->open && replica->answered >= done_;
    pump();
}

States Stage::unpack(std::size_t first, std::size_t count) const {
    CHECK(first >= first_ && first + count <= rows_);
    const std::size_t row_bytes = tensor::state_row_bytes(terms_.wire, terms_.dim);
    States states(count * terms_.dim);
    CHECK(tensor::unpack_states(
        terms_.wire, terms_.dim,
        std::span(inputs_).subspan((first - first_) * row_bytes, count * row_bytes), states));
    return states;
}

void Stage::pump() {
    for (std::size_t i = 0; i < replicas_.size(); ++i) pump(*replicas_[i], i == 0);
}

void Stage::pump(Replica& replica, bool leads) {
    const bool eager = leads || racing_;
    while (replica.open && replica.under_way < kMaxUnderWay) {
        const bool again = replica.sent < done_;
        const std::size_t end = again || !eager ? std::min(done_, rows_) : rows_;
        if (replica.sent >= end || (!eager && end - replica.sent < kFollowRows)) return;
        std::size_t count =
            std::min(end - replica.sent, piece_rows(replica.hop, terms_.dim, again));
        const std::size_t position = replica.sent;
        if (position < terms_.source_rows) count = std::min(count, terms_.source_rows - position);
        // What is paid for is compared with what was computed before (output_marks.h).
        if (again && replica.hop.price > 0)
            count = std::min(count, kMaxPaidRows - position % kMaxPaidRows);
        const Status sent = client_.sessions().push(
            replica.session, static_cast<std::uint32_t>(position), unpack(position, count), again,
            alive_.guard([this, serial = replica.serial, epoch = replica.epoch, position,
                          count](States states) {
                on_result(serial, epoch, position, count, std::move(states));
            }),
            again ? marks_.of(position, count) : std::nullopt);
        // The session is over, which its owner is about to be told.
        if (!sent.ok()) return;
        replica.sent += count;
        ++replica.under_way;
    }
}

void Stage::on_result(std::uint64_t serial, std::uint64_t epoch, std::size_t position,
                      std::size_t n, States states) {
    Replica* replica = find(serial);
    if (replica == nullptr) return;
    --replica->under_way;
    replica->suspect = false;
    const bool leads = replica == replicas_.front().get();
    if (epoch != replica->epoch) return pump(*replica, leads);
    replica->answered = position + n;
    const bool is_new = !states.empty() && position + n > done_;
    if (!is_new) return pump(*replica, leads);
    if (!leads || (racing_ && has_beaten_another())) {
        // Nobody was faster, so how late it was counts no more.
        client_.sessions().forgive(replica->session);
        if (leads) replica->patience = std::min(2 * replica->patience, kMostPatience);
    }

    const std::size_t skip = done_ - position;
    states.erase(states.begin(), states.begin() + static_cast<std::ptrdiff_t>(skip * terms_.dim));
    done_ = position + n;
    marks_.put(states);
    racing_ = false;
    if (!leads) {
        // Whoever was waited for has lost the race.
        const auto winner = std::ranges::find(replicas_, serial, &Replica::serial);
        std::rotate(replicas_.begin(), winner, winner + 1);
    }
    const Replica& overtaken = *replicas_[leads ? 0 : 1];
    const bool silent = !leads && overtaken.suspect;
    forget_old();
    pump();
    const Hop hop = replica->hop;
    if (silent) remove(overtaken.serial, {{ErrorCode::kIo, "is silent"}, overtaken.hop.key});
    if (!leads) hooks_.led(hop);
    hooks_.rows(std::move(states));
}

// Who takes a late leader's place has to read all of the text first, so that it is not faster
// before it has says nothing.
bool Stage::has_beaten_another() const {
    return std::any_of(replicas_.begin() + 1, replicas_.end(),
                       [](const auto& other) { return other->is_level && !other->suspect; });
}

void Stage::forget_old() {
    if (keeps_) return;
    std::size_t keep = done_;
    for (const auto& replica : replicas_) keep = std::min(keep, replica->answered);
    if (keep < first_ + kForgetRows) return;
    const std::size_t row_bytes = tensor::state_row_bytes(terms_.wire, terms_.dim);
    inputs_.erase(inputs_.begin(),
                  inputs_.begin() + static_cast<std::ptrdiff_t>((keep - first_) * row_bytes));
    first_ = keep;
}

void Stage::truncate(std::size_t length) {
    CHECK(length <= rows_);
    if (length < first_) {
        first_ = length;
        inputs_.clear();
    }
    inputs_.resize((length - first_) * tensor::state_row_bytes(terms_.wire, terms_.dim));
    rows_ = length;
    done_ = std::min(done_, length);
    marks_.truncate(done_);
    racing_ = false;
    for (const auto& replica : replicas_) {
        if (replica->sent <= length) continue;
        ++replica->epoch;
        replica->sent = length;
        replica->answered = std::min(replica->answered, length);
    }
}

void Stage::keep_followers(std::size_t most) {
    while (replicas_.size() > most + 1) {
        if (replicas_.back()->open) client_.sessions().close(replicas_.back()->session);
        replicas_.pop_back();
    }
}

bool Stage::is_suspect(const Replica& replica, const Patience& patience) const {
    if (!replica.open)
        return client_.clock().monotonic_us() - replica.since_us >= patience.silent_ms * 1000;
    return client_.sessions().waiting(replica.session).silent_ms >= patience.silent_ms;
}

bool Stage::is_late(const Replica& replica, std::uint64_t patience_ms) const {
    return replica.open &&
           client_.sessions().waiting(replica.session).late_ms >= patience_ms * replica.patience;
}

bool Stage::wants_another(const Patience& patience) {
    Patience longer = patience;
    longer.silent_ms = patience.follower_ms;
    for (std::size_t i = replicas_.size(); i-- > 1;) {
        const Replica& follower = *replicas_[i];
        if (is_suspect(follower, longer))
            remove(follower.serial, {{ErrorCode::kIo, "is silent"}, follower.hop.key});
    }
    if (replicas_.empty()) return true;
    std::size_t well = 0;
    for (std::size_t i = 1; i < replicas_.size(); ++i) {
        Replica& follower = *replicas_[i];
        follower.suspect = is_suspect(follower, patience);
        well += !follower.suspect && !is_late(follower, patience.slow_ms);
    }
    Replica& leader = *replicas_.front();
    leader.suspect = is_suspect(leader, patience);
    if (leader.suspect || is_late(leader, well > 0 ? patience.slow_beside_ms : patience.slow_ms)) {
        racing_ = true;
        pump();
        return well == 0;
    }
    return false;
}

}  // namespace cairn::serve
