#include "node/stamp_work.h"

#include <utility>
#include <vector>

#include "chain/commitment.h"

namespace cairn::node {

void StampWork::add(Source from, ItemPtr commitment) {
    waiting_[from].push_back(std::move(commitment));
    if (!running_) run();
}

std::deque<ItemPtr> StampWork::forget(Source from) {
    auto waiting = waiting_.extract(from);
    return waiting.empty() ? std::deque<ItemPtr>() : std::move(waiting.mapped());
}

// `screen` and `done` may end up in add() and forget(); nothing is held across them.
void StampWork::run() {
    running_ = true;
    std::vector<Job> batch;
    for (std::size_t looked_at = 0; looked_at < kBatch && !waiting_.empty(); ++looked_at) {
        auto turn = waiting_.upper_bound(last_);
        if (turn == waiting_.end()) turn = waiting_.begin();
        last_ = turn->first;
        Job job{last_, std::move(turn->second.front())};
        turn->second.pop_front();
        if (turn->second.empty()) waiting_.erase(turn);
        if (seams_.screen(job.from, job.item)) batch.push_back(std::move(job));
    }
    if (!batch.empty()) return hash(std::move(batch));
    running_ = !waiting_.empty();
    if (running_) loop_.post(alive_.guard([this] { run(); }));
}

void StampWork::hash(std::vector<Job> batch) {
    computed_ += batch.size();
    offload(
        loop_, Lane::kWork,
        [work = work_, genesis_id = genesis_id_, batch] {
            std::vector<Hash256> stamps;
            for (const Job& job : batch)
                stamps.push_back(chain::stamp_hash(work, genesis_id, job.item->commitment()));
            return stamps;
        },
        alive_.guard([this, batch](const std::vector<Hash256>& stamps) {
            for (std::size_t i = 0; i < batch.size(); ++i)
                seams_.done(batch[i].from, batch[i].item, stamps[i]);
            run();
        }));
}

}  // namespace cairn::node
