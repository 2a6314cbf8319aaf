// WaitingRoom: how many requests wait for a place, in all and of each client, and how long they
// are, so that who asks too much is told at once. From any thread.
#pragma once

#include <map>
#include <string>

#include "base/mutex.h"
#include "host/host_counters.h"

namespace cairn::host {

class WaitingRoom {
  public:
    WaitingRoom(std::size_t limit, HostCounters& counters) : limit_(limit), counters_(counters) {}

    static constexpr std::size_t kMaxBytes = std::size_t{256} << 20;

    /// False if it is full, half of it is this client's, or all that wait would have more than
    /// kMaxBytes.
    bool enter(const std::string& client, std::size_t bytes);
    void leave(const std::string& client, std::size_t bytes);

  private:
    const std::size_t limit_;
    HostCounters& counters_;
    Mutex mutex_;
    std::size_t all_ GUARDED_BY(mutex_) = 0;
    std::size_t bytes_ GUARDED_BY(mutex_) = 0;
    std::map<std::string, std::size_t> of_client_ GUARDED_BY(mutex_);
};

}  // namespace cairn::host
