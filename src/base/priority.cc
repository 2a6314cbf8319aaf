#include "base/priority.h"

#if defined(__linux__)
#include <sys/resource.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <thread>

namespace cairn {

void step_back([[maybe_unused]] int steps) {
#if defined(__linux__)
    // On Linux a niceness belongs to a thread.
    constexpr int kMost = 19;
    const auto thread = static_cast<id_t>(::gettid());
    const int now = ::getpriority(PRIO_PROCESS, thread);
    (void)::setpriority(PRIO_PROCESS, thread, std::min(kMost, now + steps));
#endif
}

void run_behind(int steps, const std::function<void()>& work) {
    if (steps == 0) return work();
    std::thread([&] {
        step_back(steps);
        work();
    }).join();
}

}  // namespace cairn
