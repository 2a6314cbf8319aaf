#include "console/bounded_end.h"

#include <cstdlib>

#include "base/clock.h"

namespace cairn::console {

namespace {

constexpr auto kLook = std::chrono::milliseconds(10);

}  // namespace

BoundedEnd::~BoundedEnd() {
    {
        const MutexLock lock(mutex_);
        in_time_ = true;
    }
    if (watch_.joinable()) watch_.join();
}

void BoundedEnd::begin(std::chrono::milliseconds patience) {
    if (watch_.joinable()) return;
    const auto patience_us = std::chrono::duration_cast<std::chrono::microseconds>(patience);
    const std::uint64_t until_us =
        SystemClock().monotonic_us() + static_cast<std::uint64_t>(patience_us.count());
    watch_ = std::thread([this, until_us] {
        while (SystemClock().monotonic_us() < until_us) {
            {
                const MutexLock lock(mutex_);
                if (in_time_) return;
            }
            std::this_thread::sleep_for(kLook);
        }
        std::_Exit(0);
    });
}

}  // namespace cairn::console
