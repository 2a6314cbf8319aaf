// The stamps of commitments that peers send, where one work hash takes most of a millisecond
// (chain/work_function.h). They are hashed on the lane of such work, a few at a time and one of
// each peer in turn, so that neither the loop nor another peer's commitment waits for those of
// somebody who sends bad ones without end, or for what waited for its round to begin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "base/loop.h"
#include "chain/work_function.h"
#include "node/waiting_room.h"

namespace cairn::node {

class StampWork {
  public:
    /// Stamps in one job, about ten milliseconds; and commitments looked at before the loop goes
    /// on.
    static constexpr std::size_t kBatch = 16;

    struct Seams {
        /// All that can be judged without the stamp, once it is the commitment's turn. False: that
        /// settled it.
        std::function<bool(Source, const ItemPtr&)> screen;
        std::function<void(Source, const ItemPtr&, const Hash256& stamp)> done;
    };

    StampWork(Loop& loop, chain::WorkFunction work, const Hash256& genesis_id, Seams seams)
        : loop_(loop), work_(work), genesis_id_(genesis_id), seams_(std::move(seams)) {}

    /// What waits is bounded by its askers: the open questions of each peer, and the room in which
    /// commitments wait for their round.
    void add(Source from, ItemPtr commitment);
    /// What waits of it is not judged any more: it is given back.
    std::deque<ItemPtr> forget(Source from);
    /// Stamps hashed so far.
    std::uint64_t computed() const { return computed_; }

  private:
    struct Job {
        Source from = kOurselves;
        ItemPtr item;
    };

    void run();
    void hash(std::vector<Job> batch);

    Loop& loop_;
    chain::WorkFunction work_;
    Hash256 genesis_id_;
    Seams seams_;
    std::map<Source, std::deque<ItemPtr>> waiting_;  // none empty
    Source last_ = kOurselves;                       // whose turn it was
    bool running_ = false;
    std::uint64_t computed_ = 0;
    Alive alive_;
};

}  // namespace cairn::node
