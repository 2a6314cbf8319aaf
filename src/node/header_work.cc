#include "node/header_work.h"

#include <algorithm>

#include "chain/target.h"

namespace cairn::node {
namespace {

/// How many of the first headers meet their targets.
std::size_t count_good(chain::WorkFunction work, const std::vector<chain::BlockHeader>& headers) {
    const auto bad = std::ranges::find_if(headers, [work](const chain::BlockHeader& header) {
        const auto target = chain::target_from_compact(header.target);
        return !target.ok() || !chain::meets_target(chain::work_hash(work, header), *target);
    });
    return static_cast<std::size_t>(bad - headers.begin());
}

}  // namespace

bool HeaderWork::add(net::PeerId peer, Message message) {
    Waiting& waiting = waiting_[peer];
    if (waiting.messages.size() >= kMaxMessages) return false;
    waiting.messages.push_back(std::move(message));
    run();
    return true;
}

std::optional<net::PeerId> HeaderWork::next_of(bool chosen) const {
    const auto fits = [&](const auto& entry) {
        return (seams_.chosen && seams_.chosen(entry.first)) == chosen;
    };
    auto found = std::find_if(waiting_.upper_bound(last_[chosen]), waiting_.end(), fits);
    if (found == waiting_.end()) found = std::ranges::find_if(waiting_, fits);
    if (found == waiting_.end()) return std::nullopt;
    return found->first;
}

net::PeerId HeaderWork::next_turn() {
    auto peer = next_of(!last_chosen_);
    if (peer)
        last_chosen_ = !last_chosen_;
    else
        peer = next_of(last_chosen_);
    return last_[last_chosen_] = peer.value();
}

// One batch of the next peer, in the order of their ids. `done` may drop a peer and so end up in
// forget(); nothing is held across it.
void HeaderWork::run() {
    while (!running_ && !waiting_.empty()) {
        const net::PeerId peer = next_turn();
        Waiting& waiting = waiting_.at(peer);
        if (!waiting.next) {
            const auto first = seams_.screen(peer, waiting.messages.front());
            if (!first.ok()) {
                finish(peer, first.error());
                continue;
            }
            waiting.next = *first;
        }
        const auto& headers = waiting.messages.front().headers;
        std::vector<chain::BlockHeader> batch;
        for (; waiting.next < headers.size() && batch.size() < kBatch; ++*waiting.next)
            if (!known_.contains(chain::block_hash(headers[*waiting.next])))
                batch.push_back(headers[*waiting.next]);
        if (batch.empty()) {
            finish(peer, ok_status());
            continue;
        }
        running_ = true;
        offload(
            loop_, Lane::kWork, [work = work_, batch] { return count_good(work, batch); },
            alive_.guard([this, peer, batch](std::size_t good) { on_batch(peer, batch, good); }));
    }
}

void HeaderWork::on_batch(net::PeerId peer, const std::vector<chain::BlockHeader>& batch,
                          std::size_t good) {
    running_ = false;
    computed_ += std::min(good + 1, batch.size());
    for (std::size_t i = 0; i < good; ++i) known_.insert(chain::block_hash(batch[i]));
    // The peer's id does not come back, so what waits under it is what the batch was of.
    if (good < batch.size() && waiting_.contains(peer))
        finish(peer, invalid("a header whose hash does not meet its target"));
    run();
}

void HeaderWork::finish(net::PeerId peer, const Status& status) {
    Waiting& waiting = waiting_.at(peer);
    const Message message = std::move(waiting.messages.front());
    waiting.messages.pop_front();
    waiting.next.reset();
    if (waiting.messages.empty() || !status.ok()) waiting_.erase(peer);
    seams_.done(peer, message, status);
}

}  // namespace cairn::node
