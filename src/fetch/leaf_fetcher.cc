#include "fetch/leaf_fetcher.h"

#include <algorithm>
#include <utility>

namespace cairn::fetch {

namespace {

constexpr std::uint64_t kTickMs = 100;

}  // namespace

LeafFetcher::LeafFetcher(Loop& loop, net::Network& network, const Clock& clock, KeptWeights& kept,
                         const std::vector<std::size_t>& tensors, const FetcherOptions& options,
                         std::function<void(Status)> done,
                         std::function<void(net::PeerId, const std::string&)> dropped)
    : loop_(loop),
      network_(network),
      clock_(clock),
      kept_(kept),
      options_(options),
      done_(std::move(done)),
      dropped_(std::move(dropped)) {
    for (const std::size_t tensor : tensors) {
        const TensorLeaves& at = kept.plan().tensor(tensor);
        const std::uint64_t have = kept.kept(tensor);
        progress_.total += at.bytes;
        progress_.done += have == at.count ? at.bytes : have * kLeafBytes;
        if (have < at.count)
            parts_.try_emplace(tensor, Part{tensor, at.first + have, at.first + have, {}});
    }
}

void LeafFetcher::start() {
    started_ = true;
    if (parts_.empty()) return finish(ok_status());
    tick();
}

LeafFetcher::Progress LeafFetcher::progress() const {
    Progress progress = progress_;
    progress.sources = sources_.size();
    return progress;
}

void LeafFetcher::finish(Status status) {
    if (std::exchange(finished_, true)) return;
    loop_.post(alive_.guard([this, status = std::move(status)] { done_(status); }));
}

void LeafFetcher::add_source(net::PeerId peer) {
    sources_.try_emplace(peer);
    ask();
}

void LeafFetcher::remove_source(net::PeerId peer) {
    const auto found = sources_.find(peer);
    if (found == sources_.end()) return;
    for (const auto& [first, question] : found->second.open)
        if (!question.late) returned_.emplace(first, question.run);
    sources_.erase(found);
    ask();
}

void LeafFetcher::give_up(net::PeerId peer, const std::string& why) {
    remove_source(peer);
    if (dropped_) dropped_(peer, why);
}

void LeafFetcher::tick() {
    if (finished_) return;
    loop_.call_after(kTickMs, alive_.guard([this] { tick(); }));
    std::vector<net::PeerId> slow;
    for (auto& [peer, source] : sources_)
        for (auto& [first, question] : source.open) {
            if (question.late || now_ms() < question.asked_ms + options_.run_timeout_ms) continue;
            question.late = true;
            returned_.emplace(first, question.run);
            if (++source.lapses == options_.max_lapses) slow.push_back(peer);
        }
    for (const net::PeerId peer : slow) give_up(peer, "it is too slow");
    ask();
}

void LeafFetcher::ask() {
    if (!started_ || finished_) return;
    // One run each in turn, so that all sources have something to do.
    for (bool asked = true; asked;) {
        asked = false;
        for (auto& [peer, source] : sources_) asked = ask(peer, source) || asked;
    }
}

bool LeafFetcher::ask(net::PeerId peer, Source& source) {
    const std::size_t most = source.lapses > 0 ? 1 : options_.max_open_per_peer;
    if (source.open.size() >= most || now_ms() < source.rests_until_ms) return false;
    const std::optional<Run> run = choose(source);
    if (!run) return false;
    if (!send(network_, peer, MessageKind::kAskLeaves,
              encode(AskLeaves{kept_.name(), run->first, run->count}))) {
        returned_.emplace(run->first, *run);
        return false;
    }
    source.open[run->first] = {*run, now_ms(), false};
    return true;
}

std::optional<LeafFetcher::Run> LeafFetcher::choose(const Source& source) {
    const auto may_ask = [&](std::uint64_t first) {
        return !source.open.contains(first) &&
               !source.lacks.contains(kept_.plan().tensor_of(first));
    };
    for (auto it = returned_.begin(); it != returned_.end(); ++it) {
        if (!may_ask(it->first)) continue;
        const Run run = it->second;
        returned_.erase(it);
        return run;
    }
    for (auto& [tensor, part] : parts_) {
        const TensorLeaves& at = kept_.plan().tensor(tensor);
        const std::uint64_t end = at.first + at.count;
        const std::uint64_t ahead = part.next_asked - part.written;
        if (part.next_asked >= end || source.lacks.contains(tensor)) continue;
        if (ahead >= options_.max_ahead * kMaxLeaves) continue;
        const Run run{part.next_asked, static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                           kMaxLeaves, end - part.next_asked))};
        part.next_asked += run.count;
        return run;
    }
    return std::nullopt;
}

void LeafFetcher::on_message(net::PeerId peer, std::uint16_t kind, ByteView body) {
    const auto found = sources_.find(peer);
    if (finished_ || found == sources_.end()) return;
    Source& source = found->second;
    if (static_cast<MessageKind>(kind) == MessageKind::kNoWeights) {
        const auto lack = decode_no_weights(body);
        if (!lack.ok()) return give_up(peer, lack.error().message);
        const auto question = source.open.find(lack->first);
        if (lack->name != kept_.name() || question == source.open.end()) return;
        if (!question->second.late) returned_.emplace(lack->first, question->second.run);
        source.open.erase(question);
        if (lack->lack == Lack::kBusy)
            source.rests_until_ms = now_ms() + options_.busy_ms;
        else
            source.lacks.insert(kept_.plan().tensor_of(lack->first));
        return ask();
    }
    if (static_cast<MessageKind>(kind) != MessageKind::kLeaves) return;
    auto leaves = decode_leaves(body);
    if (!leaves.ok()) return give_up(peer, leaves.error().message);
    if (leaves->name != kept_.name() || !source.open.contains(leaves->first)) return;
    const Status taken = take(peer, *std::move(leaves));
    if (!taken.ok() && taken.error().code == ErrorCode::kInvalid)
        return give_up(peer, taken.error().message);
    if (!taken.ok()) return finish(taken.error());
    if (parts_.empty()) return finish(ok_status());
    ask();
}

Status LeafFetcher::take(net::PeerId peer, Leaves leaves) {
    Source& source = sources_.at(peer);
    const Run run = source.open.at(leaves.first).run;
    const LeafPlan& plan = kept_.plan();
    if (leaves.bytes.size() != plan.bytes(run.first, run.count))
        return invalid("it sent other leaves than it was asked for");
    const auto range = crypto::MerkleRange::build(leaf_hashes(kept_.manifest().form, leaves.bytes),
                                                  run.first, plan.leaves(), leaves.proof);
    if (!range.ok() || range->root() != kept_.manifest().root)
        return invalid("it sent leaves that are not of model " + short_hex(kept_.name()));
    source.open.erase(run.first);
    source.lapses = 0;
    progress_.fetched += leaves.bytes.size();
    returned_.erase(run.first);
    const auto part = parts_.find(plan.tensor_of(run.first));
    if (part == parts_.end()) return ok_status();  // it came from somebody else before
    part->second.come.try_emplace(run.first, std::move(leaves));
    return write(part->second);
}

// Runs that follow what is on disk are written; the others wait for those before them.
Status LeafFetcher::write(Part& part) {
    const std::size_t tensor = part.tensor;
    const TensorLeaves& at = kept_.plan().tensor(tensor);
    while (!part.come.empty()) {
        const auto first = part.come.begin();
        if (first->first > part.written) return ok_status();
        if (first->first == part.written) {
            const std::uint64_t bytes = first->second.bytes.size();
            const Status kept = kept_.append(tensor, first->second.bytes, first->second.proof);
            if (!kept.ok() && kept.error().code == ErrorCode::kInvalid) {
                // Our own disk gave other bytes back: all of the tensor comes again.
                if (++damaged_ > options_.max_damaged)
                    return io_error("the disk gives back other bytes than were written: " +
                                    kept.error().message);
                progress_.done -= (part.written - at.first) * kLeafBytes;
                part.come.clear();
                part.written = part.next_asked = at.first;
                std::erase_if(returned_, [&](const auto& run) {
                    return kept_.plan().tensor_of(run.first) == tensor;
                });
                return ok_status();
            }
            RETURN_IF_ERROR(kept);
            progress_.done += bytes;
            part.written += (bytes + kLeafBytes - 1) / kLeafBytes;
        }
        part.come.erase(first);
        if (part.written == at.first + at.count) {
            parts_.erase(tensor);
            return ok_status();
        }
    }
    return ok_status();
}

}  // namespace cairn::fetch
