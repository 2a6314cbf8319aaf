#include "sim/sim_loop.h"

#include <algorithm>
#include <limits>

namespace cairn::sim {

Scheduler::EventId Scheduler::at(std::uint64_t when_us, std::function<void()> event) {
    CHECK(events_.size() < kMaxPending);
    const EventId id{std::max(when_us, now_us_), sequence_++};
    events_.emplace(id, std::move(event));
    return id;
}

bool Scheduler::step() {
    if (events_.empty()) return false;
    auto first = events_.extract(events_.begin());
    now_us_ = first.key().first;
    ++steps_;
    first.mapped()();
    return true;
}

std::uint64_t Scheduler::next_us() const {
    return events_.empty() ? std::numeric_limits<std::uint64_t>::max()
                           : events_.begin()->first.first;
}

void Scheduler::advance_to(std::uint64_t when_us) {
    CHECK(when_us >= now_us_ && when_us <= next_us());
    now_us_ = when_us;
}

SimLoop::SimLoop(Scheduler& scheduler, std::uint64_t seed) : scheduler_(scheduler), random_(seed) {}

SimLoop::~SimLoop() {
    for (const auto& [id, event] : pending_) scheduler_.cancel(event);
}

void SimLoop::set_lane_time(Lane lane, LaneTime time) {
    CHECK(time.min_us <= time.max_us);
    lane_times_[static_cast<std::size_t>(lane)] = time;
}

void SimLoop::post(std::function<void()> task) { call_after_us(0, std::move(task)); }

TimerId SimLoop::call_after(std::uint64_t delay_ms, std::function<void()> task) {
    return call_after_us(delay_ms * 1000, std::move(task));
}

TimerId SimLoop::call_after_us(std::uint64_t delay_us, std::function<void()> task) {
    const TimerId id = next_id_++;
    pending_[id] = scheduler_.after(delay_us, [this, id, task = std::move(task)] {
        pending_.erase(id);
        task();
    });
    return id;
}

void SimLoop::cancel(TimerId id) {
    const auto found = pending_.find(id);
    if (found == pending_.end()) return;
    scheduler_.cancel(found->second);
    pending_.erase(found);
}

void SimLoop::offload(Lane lane, std::function<void()> work, std::function<void()> done) {
    const auto index = static_cast<std::size_t>(lane);
    const LaneTime time = lane_times_[index];
    const std::uint64_t takes_us = time.min_us + random_.below(time.max_us - time.min_us + 1);
    const std::uint64_t start_us = std::max(scheduler_.now_us(), lane_free_us_[index]);
    lane_free_us_[index] = start_us + takes_us;
    call_after_us(start_us - scheduler_.now_us(), std::move(work));
    call_after_us(start_us - scheduler_.now_us() + takes_us, std::move(done));
}

}  // namespace cairn::sim
