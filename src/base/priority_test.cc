// Proves that a thread steps back alone, and that the threads of a pool can be told to.
#include "base/priority.h"

#include <gtest/gtest.h>

#if defined(__linux__)
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <thread>

#include "base/thread_pool.h"

namespace cairn {
namespace {

int own() { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); }

TEST(Priority, OfOneThreadIsItsOwn) {
    const int before = own();
    int other = 0;
    std::thread([&] {
        step_back(3);
        other = own();
    }).join();
    EXPECT_EQ(other, std::min(19, before + 3));
    EXPECT_EQ(own(), before);
}

TEST(Priority, OfAPoolsThreadsIsNotItsCallers) {
    const int before = own();
    std::unique_ptr<ThreadPool> pool;
    run_behind(4, [&] { pool = std::make_unique<ThreadPool>(3); });
    std::mutex mutex;
    std::set<int> seen;
    for (int i = 0; i < 1'000 && seen.size() < 2; ++i)
        pool->parallel_for(24, 1, [&](std::size_t, std::size_t) {
            const std::lock_guard lock(mutex);
            seen.insert(own());
        });
    EXPECT_EQ(seen, (std::set<int>{before, std::min(19, before + 4)}));
}

}  // namespace
}  // namespace cairn
#endif
