#include "node/waiting_room.h"

#include <algorithm>

namespace cairn::node {
namespace {

/// What an item costs beside its bytes, so that many small ones count too.
constexpr std::size_t kItemBytes = 512;

std::size_t cost_of(const WaitingRoom::Waiting& waiting) {
    return waiting.item->bytes + kItemBytes;
}

}  // namespace

void WaitingRoom::add(Waiting waiting) {
    const Item name = waiting.item->name;
    if (contains(name))
        for (const Waiting& here : items_)
            if (here.item->name == name && here.source == waiting.source) return;
    bytes_ += waiting.item->bytes;
    held_[waiting.source] += cost_of(waiting);
    ++names_[name];
    items_.push_back(std::move(waiting));
    while (items_.size() > limits_.max_items || bytes_ > limits_.max_bytes) evict();
}

void WaitingRoom::remove(Place place) {
    bytes_ -= place->item->bytes;
    const auto held = held_.find(place->source);
    held->second -= cost_of(*place);
    if (held->second == 0) held_.erase(held);
    const auto name = names_.find(place->item->name);
    if (--name->second == 0) names_.erase(name);
    items_.erase(place);
}

void WaitingRoom::evict() {
    Place victim = items_.begin();
    for (Place at = items_.begin(); at != items_.end(); ++at) {
        if (at->promised != victim->promised) {
            if (victim->promised) victim = at;
        } else if (held_.at(at->source) > held_.at(victim->source)) {
            victim = at;
        }
    }
    remove(victim);
}

std::vector<WaitingRoom::Waiting> WaitingRoom::take_all() {
    std::vector<Waiting> all(std::make_move_iterator(items_.begin()),
                             std::make_move_iterator(items_.end()));
    items_.clear();
    names_.clear();
    held_.clear();
    bytes_ = 0;
    return all;
}

}  // namespace cairn::node
