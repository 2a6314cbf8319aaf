// The event loop, passed in. One loop owns a node's state: every callback runs on it, one at a
// time. Work that takes long is offloaded; its completion comes back to the loop. The real loop
// is net/asio_loop.h, the simulated one sim/sim_loop.h.
#pragma once

#include <cstdint>
#include <functional>

namespace cairn {

using TimerId = std::uint64_t;

/// Offloaded work of one lane runs in order, one at a time; different lanes run side by side.
enum class Lane : std::uint8_t { kChain, kTrain, kMine, kServe };
inline constexpr int kLanes = 4;

class Loop {
  public:
    virtual ~Loop() = default;
    /// Runs `task` soon, after what is queued already. Safe from any thread.
    virtual void post(std::function<void()> task) = 0;
    /// Runs `task` after `delay_ms`; cancel() with the id that is returned (0 is never one).
    virtual TimerId call_after(std::uint64_t delay_ms, std::function<void()> task) = 0;
    virtual void cancel(TimerId id) = 0;
    /// Runs `work` on the lane's worker, then `done` on the loop.
    virtual void offload(Lane lane, std::function<void()> work, std::function<void()> done) = 0;
};

}  // namespace cairn
