#include "node/recent_bodies.h"

#include <algorithm>

namespace cairn::node {

void RecentBodies::add(const Hash256& block, Body body) {
    remove(block);
    bytes_ += body->size();
    bodies_.emplace_front(block, std::move(body));
    while (bodies_.size() > 1 && (bodies_.size() > max_blocks_ || bytes_ > max_bytes_)) {
        bytes_ -= bodies_.back().second->size();
        bodies_.pop_back();
    }
}

RecentBodies::Body RecentBodies::find(const Hash256& block) const {
    const auto found =
        std::ranges::find(bodies_, block, [](const auto& each) { return each.first; });
    return found == bodies_.end() ? nullptr : found->second;
}

void RecentBodies::remove(const Hash256& block) {
    const auto found =
        std::ranges::find(bodies_, block, [](const auto& each) { return each.first; });
    if (found == bodies_.end()) return;
    bytes_ -= found->second->size();
    bodies_.erase(found);
}

}  // namespace cairn::node
