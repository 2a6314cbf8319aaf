// A loop for tests of one class: nothing happens until the test says so, and time stands still
// until it is moved. Lanes run what they were given in order, or hold it until told. Only for
// tests; whole networks run on sim/sim_loop.h.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/loop.h"

namespace cairn {

class TestLoop final : public Loop {
  public:
    explicit TestLoop(ManualClock& clock) : clock_(clock) {}

    void post(std::function<void()> task) override { call_after(0, std::move(task)); }
    TimerId call_after(std::uint64_t delay_ms, std::function<void()> task) override {
        const TimerId id = next_id_++;
        timers_[{clock_.monotonic_us() + delay_ms * 1000, id}] = std::move(task);
        return id;
    }
    void cancel(TimerId id) override {
        std::erase_if(timers_, [id](const auto& timer) { return timer.first.second == id; });
    }
    void offload(Lane lane, std::function<void()> work, std::function<void()> done) override {
        jobs_[index(lane)].emplace_back(std::move(work), std::move(done));
    }

    /// Jobs of this lane wait for finish() from now on, or no longer.
    void hold(Lane lane) { held_.insert(lane); }
    void release(Lane lane) { held_.erase(lane); }
    std::size_t jobs(Lane lane) const { return jobs_[index(lane)].size(); }

    /// Runs the lane's next job, its callback, and nothing else.
    void finish(Lane lane) {
        auto& queue = jobs_[index(lane)];
        CHECK(!queue.empty());
        auto [work, done] = std::move(queue.front());
        queue.pop_front();
        work();
        work = nullptr;
        done();
    }
    /// Everything that is due now and what follows from it, jobs of lanes that are not held too.
    void run() {
        for (int i = 0; i < kMaxEvents; ++i)
            if (!run_one()) return;
        CHECK(false && "this loop never comes to rest");
    }
    /// Lets time pass, timer by timer.
    void advance_ms(std::uint64_t ms) {
        const std::uint64_t until = clock_.monotonic_us() + ms * 1000;
        run();
        while (!timers_.empty() && timers_.begin()->first.first <= until) {
            clock_.advance_us(timers_.begin()->first.first - clock_.monotonic_us());
            run();
        }
        clock_.advance_us(until - clock_.monotonic_us());
    }

  private:
    static constexpr int kMaxEvents = 100'000;
    static std::size_t index(Lane lane) { return static_cast<std::size_t>(lane); }

    bool run_one() {
        if (!timers_.empty() && timers_.begin()->first.first <= clock_.monotonic_us()) {
            const auto first = timers_.extract(timers_.begin());
            first.mapped()();
            return true;
        }
        for (int lane = 0; lane < kLanes; ++lane) {
            if (held_.contains(static_cast<Lane>(lane)) || jobs(static_cast<Lane>(lane)) == 0)
                continue;
            finish(static_cast<Lane>(lane));
            return true;
        }
        return false;
    }

    ManualClock& clock_;
    TimerId next_id_ = 1;
    std::map<std::pair<std::uint64_t, TimerId>, std::function<void()>> timers_;  // by time
    std::array<std::deque<std::pair<std::function<void()>, std::function<void()>>>, kLanes> jobs_;
    std::set<Lane> held_;
};

}  // namespace cairn
