#include "net/handshakes.h"

namespace cairn::net {

bool Handshakes::take(const std::string& group) {
    const auto found = groups_.find(group);
    const std::size_t had = found == groups_.end() ? 0 : found->second;
    if (had >= per_group_ || taken_ >= (had == 0 ? 2 * all_ : all_)) return false;
    ++groups_[group];
    ++taken_;
    return true;
}

}  // namespace cairn::net
