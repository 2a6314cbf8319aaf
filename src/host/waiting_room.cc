#include "host/waiting_room.h"

#include <algorithm>

#include "base/check.h"

namespace cairn::host {

bool WaitingRoom::enter(const std::string& client, std::size_t bytes) {
    const MutexLock lock(mutex_);
    const auto at = of_client_.find(client);
    const std::size_t own = at == of_client_.end() ? 0 : at->second;
    if (all_ >= limit_ || own >= (limit_ + 1) / 2) return false;
    if (bytes > kMaxBytes - std::min(kMaxBytes, bytes_)) return false;
    bytes_ += bytes;
    ++of_client_[client];
    counters_.waiting = ++all_;
    return true;
}

void WaitingRoom::leave(const std::string& client, std::size_t bytes) {
    const MutexLock lock(mutex_);
    const auto at = of_client_.find(client);
    CHECK(at != of_client_.end() && all_ > 0 && bytes_ >= bytes);
    bytes_ -= bytes;
    if (--at->second == 0) of_client_.erase(at);
    counters_.waiting = --all_;
}

}  // namespace cairn::host
