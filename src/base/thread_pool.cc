#include "base/thread_pool.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "base/float_mode.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace cairn {

namespace {

// A ticket: the job's number, its pieces, the next piece.
constexpr std::uint64_t kPieceMask = 0xFFFF;
constexpr int kPiecesShift = 16;
constexpr int kJobShift = 32;

std::uint64_t job_of(std::uint64_t ticket) { return ticket >> kJobShift; }
std::size_t pieces_of(std::uint64_t ticket) { return ticket >> kPiecesShift & kPieceMask; }
std::size_t next_of(std::uint64_t ticket) { return ticket & kPieceMask; }

void pause_briefly() {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

/// Looks for about 50 us, about what sleeping and being woken costs; whether it came.
template <typename Ready>
bool spin_until(const Ready& ready) {
    using Clock = std::chrono::steady_clock;
    constexpr auto kSpin = std::chrono::microseconds(50);
    const auto start = Clock::now();
    do {
        for (int i = 0; i < 32; ++i) {
            if (ready()) return true;
            pause_briefly();
        }
    } while (Clock::now() - start < kSpin);
    return ready();
}

}  // namespace

ThreadPool::ThreadPool(std::size_t threads) {
    CHECK(threads >= 1 && threads * kPiecesPerThread <= kPieceMask);
    may_spin_ = threads <= std::thread::hardware_concurrency();
    for (std::size_t i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
}

ThreadPool::~ThreadPool() {
    {
        const std::lock_guard lock(mutex_);
        stopping_.store(true);
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run(Job job) {
    CHECK(job.grain > 0);
    if (job.count == 0) return;
    if (workers_.empty() || job.count <= job.grain) {
        job.call(job.object, 0, job.count);
        return;
    }
    CHECK(!busy_.exchange(true));
    const std::size_t grains = (job.count + job.grain - 1) / job.grain;
    job.pieces = std::min(grains, size() * kPiecesPerThread);
    job_ = job;
    done_.store(0, std::memory_order_relaxed);
    const std::uint64_t number = job_of(ticket_.load(std::memory_order_relaxed)) + 1;
    ticket_.store(number << kJobShift | std::uint64_t{job.pieces} << kPiecesShift);
    if (sleepers_.load() > 0) {
        { const std::lock_guard lock(mutex_); }
        wake_.notify_all();
    }
    take_pieces();
    if (!(may_spin_ && spin_until([this] { return all_done(); })) && !all_done()) {
        std::unique_lock lock(mutex_);
        caller_sleeps_.store(true);
        finished_.wait(lock, [this] { return all_done(); });
        caller_sleeps_.store(false);
    }
    busy_.store(false);
}

void ThreadPool::take_pieces() {
    std::uint64_t ticket = ticket_.load();
    while (next_of(ticket) < pieces_of(ticket)) {
        if (!ticket_.compare_exchange_weak(ticket, ticket + 1)) continue;
        const std::size_t piece = next_of(ticket);
        const Job& job = job_;
        const std::size_t pieces = job.pieces;
        const std::size_t grains = (job.count + job.grain - 1) / job.grain;
        const std::size_t begin = grains * piece / pieces * job.grain;
        const std::size_t end = std::min(job.count, grains * (piece + 1) / pieces * job.grain);
        job.call(job.object, begin, end);
        if (done_.fetch_add(1) + 1 == pieces && caller_sleeps_.load()) {
            { const std::lock_guard lock(mutex_); }
            finished_.notify_one();
        }
        ticket = ticket_.load();
    }
}

void ThreadPool::work() {
    set_float_mode();
    std::uint64_t seen = 0;
    const auto called = [&] { return job_of(ticket_.load()) != seen || stopping_.load(); };
    for (;;) {
        if (!(may_spin_ && spin_until(called)) && !called()) {
            std::unique_lock lock(mutex_);
            sleepers_.fetch_add(1);
            wake_.wait(lock, called);
            sleepers_.fetch_sub(1);
        }
        if (stopping_.load()) return;
        seen = job_of(ticket_.load());
        take_pieces();
    }
}

}  // namespace cairn
