#include "fetch/weights_giver.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace cairn::fetch {

namespace {

/// While one copy of a chain's newest model is made, so many may wait for it.
constexpr std::size_t kMaxAskingNewest = 64;
/// What may be given at once after a quiet time, in seconds' worth of the rate.
constexpr std::uint64_t kBurstS = 2;
constexpr std::uint64_t kWaitMs = 20;

}  // namespace

WeightsGiver::WeightsGiver(Loop& loop, net::Network& network, const Clock& clock,
                           GiverOptions options)
    : loop_(loop),
      network_(network),
      clock_(clock),
      options_(std::move(options)),
      credit_(static_cast<std::int64_t>(options_.bytes_per_s * kBurstS)),
      refilled_us_(clock.monotonic_us()) {}

WeightsGiver::SourcePtr WeightsGiver::find(const Hash256& name) const {
    const auto found =
        std::ranges::find(sources_, name, [](const SourcePtr& s) { return s->name(); });
    return found == sources_.end() ? nullptr : *found;
}

void WeightsGiver::offer(SourcePtr source) {
    std::erase_if(sources_, [&](const SourcePtr& old) { return old->name() == source->name(); });
    sources_.push_back(std::move(source));
    if (sources_.size() > options_.max_sources) sources_.pop_front();
}

Status WeightsGiver::on_message(net::PeerId peer, std::uint16_t kind, ByteView body) {
    switch (static_cast<MessageKind>(kind)) {
        case MessageKind::kAskWeights: {
            ASSIGN_OR_RETURN(const Hash256 name, decode_ask_weights(body));
            on_ask_weights(peer, name);
            return ok_status();
        }
        case MessageKind::kAskLeaves: {
            ASSIGN_OR_RETURN(const AskLeaves asked, decode_ask_leaves(body));
            on_ask_leaves(peer, asked);
            return ok_status();
        }
        case MessageKind::kWeights:
        case MessageKind::kLeaves:
        case MessageKind::kNoWeights:
            break;
    }
    return ok_status();
}

void WeightsGiver::on_peer_down(net::PeerId peer) {
    const auto found = waiting_.find(peer);
    if (found == waiting_.end()) return;
    waiting_count_ -= found->second.questions.size();
    const std::string group = found->second.group;
    waiting_.erase(found);
    if (std::ranges::none_of(waiting_, [&](const auto& w) { return w.second.group == group; }))
        group_given_.erase(group);
}

void WeightsGiver::refuse(net::PeerId peer, const Hash256& name, std::uint64_t first, Lack lack) {
    send(network_, peer, MessageKind::kNoWeights, encode(NoWeights{name, first, lack}));
}

void WeightsGiver::on_ask_weights(net::PeerId peer, const Hash256& name) {
    if (!name.is_zero()) {
        const SourcePtr source = find(name);
        if (source == nullptr) return refuse(peer, name, 0, Lack::kNotHere);
        send(network_, peer, MessageKind::kWeights,
             encode(Weights{encode(source->manifest()), std::nullopt}));
        return;
    }
    if (!newest_) return refuse(peer, name, 0, Lack::kNotHere);
    if (asking_newest_ >= kMaxAskingNewest) return refuse(peer, name, 0, Lack::kBusy);
    ++asking_newest_;
    newest_(alive_.guard([this, peer](const std::optional<Newest>& newest) {
        --asking_newest_;
        const SourcePtr source = newest ? find(newest->name) : nullptr;
        if (source == nullptr) return refuse(peer, {}, 0, Lack::kNotHere);
        send(network_, peer, MessageKind::kWeights,
             encode(Weights{encode(source->manifest()), newest->anchor}));
    }));
}

void WeightsGiver::on_ask_leaves(net::PeerId peer, const AskLeaves& asked) {
    const SourcePtr source = find(asked.name);
    if (source == nullptr || !source->has(asked.first, asked.count))
        return refuse(peer, asked.name, asked.first, Lack::kNotHere);
    const auto found = waiting_.find(peer);
    const std::size_t of_peer = found == waiting_.end() ? 0 : found->second.questions.size();
    if (of_peer >= options_.max_waiting_per_peer ||
        (waiting_count_ >= options_.max_waiting && !make_room(group_of(peer))))
        return refuse(peer, asked.name, asked.first, Lack::kBusy);
    Waiting& waiting = waiting_[peer];
    if (of_peer == 0) {
        waiting.group = group_of(peer);
        // Who comes begins at the level of those who wait, so that it neither owes nor is owed.
        const auto by_bytes = [](const auto& a, const auto& b) { return a.second < b.second; };
        const auto least = std::ranges::min_element(group_given_, by_bytes);
        group_given_.try_emplace(waiting.group, least == group_given_.end() ? 0 : least->second);
        std::optional<std::uint64_t> level;
        for (const auto& [id, other] : waiting_)
            if (id != peer && other.group == waiting.group)
                level = std::min(level.value_or(other.given), other.given);
        waiting.given = level.value_or(0);
    }
    waiting.questions.push_back(asked);
    ++waiting_count_;
    serve_next();
}

bool WeightsGiver::make_room(const std::string& group) {
    std::map<std::string, std::size_t> of_group;
    for (const auto& [id, waiting] : waiting_) of_group[waiting.group] += waiting.questions.size();
    const auto by_count = [](const auto& a, const auto& b) { return a.second < b.second; };
    const auto largest = std::ranges::max_element(of_group, by_count);
    if (largest == of_group.end() || largest->second <= of_group[group] + 1) return false;
    net::PeerId loser = 0;
    std::size_t most = 0;
    for (const auto& [id, waiting] : waiting_) {
        if (waiting.group != largest->first || waiting.questions.size() <= most) continue;
        loser = id;
        most = waiting.questions.size();
    }
    std::deque<AskLeaves>& questions = waiting_.at(loser).questions;
    const AskLeaves last = questions.back();
    questions.pop_back();
    --waiting_count_;
    if (questions.empty()) on_peer_down(loser);
    refuse(loser, last.name, last.first, Lack::kBusy);
    return true;
}

net::PeerId WeightsGiver::next_peer() const {
    net::PeerId best = 0;
    std::pair<std::uint64_t, std::uint64_t> least;
    for (const auto& [peer, waiting] : waiting_) {
        const std::pair level(group_given_.at(waiting.group), waiting.given);
        if (best != 0 && level >= least) continue;
        best = peer;
        least = level;
    }
    return best;
}

void WeightsGiver::refill() {
    const std::uint64_t now = clock_.monotonic_us();
    const auto most = static_cast<std::int64_t>(options_.bytes_per_s * kBurstS);
    const std::uint64_t passed = std::min<std::uint64_t>(now - refilled_us_, kBurstS * 1'000'000);
    credit_ = std::min(
        most, credit_ + static_cast<std::int64_t>(options_.bytes_per_s * passed / 1'000'000));
    refilled_us_ = now;
}

void WeightsGiver::serve_next() {
    if (reading_ || waiting_.empty()) return;
    refill();
    if (credit_ <= 0) {
        if (std::exchange(timed_, true)) return;
        loop_.call_after(kWaitMs, alive_.guard([this] {
            timed_ = false;
            serve_next();
        }));
        return;
    }
    const net::PeerId peer = next_peer();
    Waiting& waiting = waiting_.at(peer);
    const AskLeaves asked = waiting.questions.front();
    const SourcePtr source = find(asked.name);
    const std::uint64_t bytes = source ? source->plan().bytes(asked.first, asked.count) : 0;
    waiting.questions.pop_front();
    waiting.given += bytes;
    group_given_[waiting.group] += bytes;
    --waiting_count_;
    if (waiting.questions.empty()) on_peer_down(peer);  // what it was given is forgotten
    if (source == nullptr) {
        refuse(peer, asked.name, asked.first, Lack::kNotHere);
        loop_.post(alive_.guard([this] { serve_next(); }));
        return;
    }
    credit_ -= static_cast<std::int64_t>(bytes);
    reading_ = true;
    offload(
        loop_, Lane::kRead, [source, asked] { return source->read(asked.first, asked.count); },
        alive_.guard([this, peer, asked](Result<LeafRun> run) {
            reading_ = false;
            send_run(peer, asked, std::move(run));
            serve_next();
        }));
}

void WeightsGiver::send_run(net::PeerId peer, const AskLeaves& asked, Result<LeafRun> run) {
    if (!run.ok()) {
        log_warn("leaves of model {} cannot be read: {}", short_hex(asked.name),
                 run.error().message);
        return refuse(peer, asked.name, asked.first, Lack::kNotHere);
    }
    const std::size_t bytes = run->bytes.size();
    if (send(network_, peer, MessageKind::kLeaves,
             encode(Leaves{asked.name, asked.first, std::move(run->bytes), std::move(run->proof)})))
        bytes_given_ += bytes;
    else
        on_peer_down(peer);  // it does not take what it asked for: nothing more is read for it
}

}  // namespace cairn::fetch
