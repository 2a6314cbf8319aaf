// Simulated time. One Scheduler holds one virtual clock and one ordered queue of events for all
// nodes of a world; each node sees it through its own SimLoop, whose events vanish with the node.
// Nothing here reads a real clock or starts a thread, so a seed decides every interleaving.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/loop.h"
#include "base/random.h"

namespace cairn::sim {

class Scheduler {
  public:
    /// A CHECK fails when more events are pending: the simulation has run away.
    static constexpr std::size_t kMaxPending = 1'000'000;

    explicit Scheduler(std::uint64_t start_wall_ms = 1'700'000'000'000)
        : start_wall_ms_(start_wall_ms) {}

    std::uint64_t now_us() const { return now_us_; }
    std::uint64_t now_ms() const { return now_us_ / 1000; }
    std::uint64_t wall_ms() const { return start_wall_ms_ + now_us_ / 1000; }

    using EventId = std::pair<std::uint64_t, std::uint64_t>;  // when, order of scheduling
    EventId at(std::uint64_t when_us, std::function<void()> event);
    EventId after(std::uint64_t delay_us, std::function<void()> event) {
        return at(now_us_ + delay_us, std::move(event));
    }
    void cancel(const EventId& id) { events_.erase(id); }

    /// Runs the earliest event; false when there is none.
    bool step();
    /// The time of the earliest event; UINT64_MAX when there is none.
    std::uint64_t next_us() const;
    /// Moves the clock on without an event. CHECKs that no event is skipped.
    void advance_to(std::uint64_t when_us);
    std::uint64_t steps() const { return steps_; }

  private:
    std::uint64_t start_wall_ms_;
    std::uint64_t now_us_ = 0;
    std::uint64_t sequence_ = 0;
    std::uint64_t steps_ = 0;
    std::map<EventId, std::function<void()>> events_;
};

/// A node's clock: the scheduler's, off by a constant, as people's clocks are.
class SimClock final : public Clock {
  public:
    SimClock(const Scheduler& scheduler, std::int64_t skew_ms)
        : scheduler_(scheduler), skew_ms_(skew_ms) {}
    std::uint64_t wall_ms() const override {
        return static_cast<std::uint64_t>(static_cast<std::int64_t>(scheduler_.wall_ms()) +
                                          skew_ms_);
    }
    std::uint64_t monotonic_us() const override { return scheduler_.now_us(); }

  private:
    const Scheduler& scheduler_;
    std::int64_t skew_ms_;
};

/// How long offloaded work of a lane takes in virtual time: uniform in [min, max].
struct LaneTime {
    std::uint64_t min_us = 0;
    std::uint64_t max_us = 0;
};

/// One node's loop. Offloaded work runs when its lane is free, in order; `done` follows after a
/// virtual duration, so that other events come between the two. Destroying the SimLoop drops
/// everything that was still to come, as kill -9 does.
class SimLoop final : public Loop {
  public:
    SimLoop(Scheduler& scheduler, std::uint64_t seed);
    ~SimLoop() override;
    SimLoop(const SimLoop&) = delete;
    SimLoop& operator=(const SimLoop&) = delete;

    void set_lane_time(Lane lane, LaneTime time);

    void post(std::function<void()> task) override;
    TimerId call_after(std::uint64_t delay_ms, std::function<void()> task) override;
    void cancel(TimerId id) override;
    void offload(Lane lane, std::function<void()> work, std::function<void()> done) override;

    /// As call_after, in microseconds: the simulated network uses it.
    TimerId call_after_us(std::uint64_t delay_us, std::function<void()> task);

  private:
    Scheduler& scheduler_;
    SeededRandom random_;
    TimerId next_id_ = 1;
    std::map<TimerId, Scheduler::EventId> pending_;
    std::array<LaneTime, kLanes> lane_times_{};
    std::array<std::uint64_t, kLanes> lane_free_us_{};
};

}  // namespace cairn::sim
