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

// A share in one word: the job's number, the end of its pieces, the first of its pieces.
constexpr std::uint64_t kPieceMask = 0xFFFF;
constexpr int kEndShift = 16;
constexpr int kJobShift = 32;

std::uint64_t job_of(std::uint64_t share) { return share >> kJobShift; }
std::size_t end_of(std::uint64_t share) { return share >> kEndShift & kPieceMask; }
std::size_t begin_of(std::uint64_t share) { return share & kPieceMask; }

constexpr std::size_t kNone = ~std::size_t{0};

/// The first piece of a share, or the last one, or kNone when all are taken.
std::size_t take(std::atomic<std::uint64_t>& pieces, bool first) {
    std::uint64_t share = pieces.load();
    while (begin_of(share) < end_of(share)) {
        const std::uint64_t rest = first ? share + 1 : share - (std::uint64_t{1} << kEndShift);
        if (pieces.compare_exchange_weak(share, rest))
            return first ? begin_of(share) : end_of(rest);
    }
    return kNone;
}

void pause_briefly() {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

/// Polls for about 50 us, the cost of sleeping and being woken; returns whether it is ready.
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
    shares_ = std::make_unique<Share[]>(threads);
    for (std::size_t i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
}

ThreadPool::~ThreadPool() {
    {
        const MutexLock lock(mutex_);
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
    ++number_;
    for (std::size_t i = size(); i-- > 0;) {
        const std::uint64_t begin = job.pieces * i / size();
        const std::uint64_t end = job.pieces * (i + 1) / size();
        shares_[i].pieces.store(std::uint64_t{number_} << kJobShift | end << kEndShift | begin);
    }
    if (sleepers_.load() > 0) {
        { const MutexLock lock(mutex_); }
        wake_.notify_all();
    }
    take_pieces(0);
    if (!(may_spin_ && spin_until([this] { return all_done(); })) && !all_done()) {
        const MutexLock lock(mutex_);
        caller_sleeps_.store(true);
        while (!all_done()) finished_.wait(mutex_);
        caller_sleeps_.store(false);
    }
    busy_.store(false);
}

void ThreadPool::take_pieces(std::size_t thread) {
    for (std::size_t i = 0; i < size(); ++i) {
        Share& share = shares_[(thread + i) % size()];
        for (std::size_t piece; (piece = take(share.pieces, i == 0)) != kNone;) do_piece(piece);
    }
}

void ThreadPool::do_piece(std::size_t piece) {
    const Job& job = job_;
    const std::size_t pieces = job.pieces;
    const std::size_t grains = (job.count + job.grain - 1) / job.grain;
    const std::size_t begin = grains * piece / pieces * job.grain;
    const std::size_t end = std::min(job.count, grains * (piece + 1) / pieces * job.grain);
    job.call(job.object, begin, end);
    if (done_.fetch_add(1) + 1 == pieces && caller_sleeps_.load()) {
        { const MutexLock lock(mutex_); }
        finished_.notify_one();
    }
}

void ThreadPool::work(std::size_t thread) {
    set_float_mode();
    const std::atomic<std::uint64_t>& mine = shares_[thread].pieces;
    std::uint64_t seen = 0;
    const auto called = [&] { return job_of(mine.load()) != seen || stopping_.load(); };
    for (;;) {
        if (!(may_spin_ && spin_until(called)) && !called()) {
            const MutexLock lock(mutex_);
            sleepers_.fetch_add(1);
            while (!called()) wake_.wait(mutex_);
            sleepers_.fetch_sub(1);
        }
        if (stopping_.load()) return;
        seen = job_of(mine.load());
        take_pieces(thread);
    }
}

}  // namespace cairn
