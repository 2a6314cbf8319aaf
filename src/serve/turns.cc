#include "serve/turns.h"

#include <algorithm>

#include "base/check.h"

namespace cairn::serve {

void Turns::begin(Turn& turn) {
    Group& group = groups_[turn.group];
    if (group.waiting++ == 0) group.served = std::max(group.served, level_);
    if (turn.epoch != epoch_) turn.served = 0;
    turn.epoch = epoch_;
    turn.served = std::max(turn.served, group.level);
    ++waiting_;
}

void Turns::end(const Turn& turn) {
    CHECK(waiting_ > 0);
    --groups_.at(turn.group).waiting;
    if (--waiting_ > 0) {
        std::erase_if(groups_, [this](const auto& entry) {
            return entry.second.waiting == 0 && entry.second.served <= level_;
        });
        return;
    }
    groups_.clear();
    level_ = 0;
    ++epoch_;
}

void Turns::charge(Turn& turn, std::uint64_t cost) {
    Group& group = groups_.at(turn.group);
    level_ = std::max(level_, group.served);
    group.level = std::max(group.level, turn.served);
    group.served += cost;
    turn.served += cost;
}

std::pair<std::uint64_t, std::uint64_t> Turns::rank(const Turn& turn, std::uint64_t cost) const {
    return {groups_.at(turn.group).served, turn.served + cost};
}

}  // namespace cairn::serve
