#include "base/thread_pool.h"

#include <algorithm>

#include "base/check.h"
#include "base/float_mode.h"

namespace cairn {

namespace {

// Work comes in pieces of some 100 us with little between them: going to sleep and being woken
// costs more than looking out for it this often (about 50 us).
constexpr int kLooks = 2000;

inline void pause_briefly() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

template <typename Condition>
bool look_out(const Condition& condition) {
    for (int i = 0; i < kLooks; ++i) {
        if (condition()) return true;
        pause_briefly();
    }
    return condition();
}

}  // namespace

ThreadPool::ThreadPool(std::size_t threads) {
    CHECK(threads >= 1);
    for (std::size_t i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
}

ThreadPool::~ThreadPool() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        ++generation_;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::parallel_for(std::size_t count, std::size_t grain,
                              const std::function<void(std::size_t, std::size_t)>& body) {
    CHECK(grain > 0);
    if (count == 0) return;
    if (workers_.empty() || count <= grain) {
        body(0, count);
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        CHECK(running_ == 0);
        body_ = &body;
        count_ = count;
        grain_ = grain;
        running_ = workers_.size();
        ++generation_;
        if (sleeping_ > 0) wake_.notify_all();
    }
    run_share(0);
    if (look_out([this] { return running_ == 0; })) return;
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [this] { return running_ == 0; });
}

void ThreadPool::run_share(std::size_t index) {
    const std::size_t grains = (count_ + grain_ - 1) / grain_;
    const std::size_t begin = grains * index / size() * grain_;
    const std::size_t end = std::min(count_, grains * (index + 1) / size() * grain_);
    if (begin < end) (*body_)(begin, end);
}

void ThreadPool::work(std::size_t index) {
    set_float_mode();
    std::size_t seen = 0;
    for (;;) {
        {
            look_out([&] { return generation_ != seen; });
            std::unique_lock lock(mutex_);
            ++sleeping_;
            wake_.wait(lock, [&] { return generation_ != seen; });
            --sleeping_;
            if (stopping_) return;
            seen = generation_;
        }
        run_share(index);
        if (--running_ > 0) continue;
        const std::lock_guard lock(mutex_);
        finished_.notify_one();
    }
}

}  // namespace cairn
