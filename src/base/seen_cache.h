// Remembers the latest hashes, at most `max`: what was seen, refused or told already. The oldest
// are forgotten first, so strangers cannot make it grow.
#pragma once

#include <deque>
#include <unordered_set>

#include "base/bytes.h"

namespace cairn {

class SeenCache {
  public:
    explicit SeenCache(std::size_t max) : max_(max) {}

    bool contains(const Hash256& hash) const { return known_.contains(hash); }
    /// False if it was known already.
    bool insert(const Hash256& hash) {
        if (!known_.insert(hash).second) return false;
        order_.push_back(hash);
        if (order_.size() > max_) {
            known_.erase(order_.front());
            order_.pop_front();
        }
        return true;
    }
    void clear() {
        known_.clear();
        order_.clear();
    }

  private:
    std::size_t max_;
    std::unordered_set<Hash256, FixedBytesHash> known_;
    std::deque<Hash256> order_;
};

}  // namespace cairn
