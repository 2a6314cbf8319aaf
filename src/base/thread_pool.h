// A fixed set of threads that compute. Work is divided over outputs, never over the terms of a
// sum, so neither the number of threads nor who takes which piece can change a bit (N1).
//
// A range is cut into a few pieces per thread. Each thread first takes the pieces of its own share,
// which follow each other in memory, and then the last pieces of shares that are not finished: a
// thread that the system has suspended delays only the piece that it is at. Between ranges a worker
// polls for some microseconds before it sleeps, because generating one token makes some fifty calls
// of parallel_for. Nothing here allocates after construction.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace cairn {

class ThreadPool {
  public:
    /// `threads` counts the caller: 1 means that everything runs on the calling thread.
    explicit ThreadPool(std::size_t threads);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    std::size_t size() const { return workers_.size() + 1; }

    /// Calls body(begin, end) on disjoint ranges that cover [0, count), each (but the last) a
    /// multiple of `grain` long, at most kPiecesPerThread for each thread; returns when all are
    /// done. One caller at a time, and not from within a body.
    template <typename Body>
    void parallel_for(std::size_t count, std::size_t grain, const Body& body) {
        run({count, grain, 0, std::addressof(body),
             [](const void* object, std::size_t begin, std::size_t end) {
                 (*static_cast<const Body*>(object))(begin, end);
             }});
    }

    static constexpr std::size_t kPiecesPerThread = 8;

  private:
    struct Job {
        std::size_t count = 0;
        std::size_t grain = 1;
        std::size_t pieces = 0;
        const void* object = nullptr;
        void (*call)(const void* object, std::size_t begin, std::size_t end) = nullptr;
    };

    /// A thread's pieces that nobody has taken yet, and which job they belong to, in one word: a
    /// piece is taken only from its own job, and job_ stays as it is until all pieces are done.
    struct alignas(64) Share {
        std::atomic<std::uint64_t> pieces = 0;
    };

    void run(Job job);
    void work(std::size_t thread);
    void take_pieces(std::size_t thread);
    void do_piece(std::size_t piece);
    bool all_done() const { return done_.load() == job_.pieces; }

    std::vector<std::thread> workers_;
    bool may_spin_ = false;

    std::unique_ptr<Share[]> shares_;  // of the caller, then of each worker
    std::uint32_t number_ = 0;         // of the job; the caller's
    Job job_;
    alignas(64) std::atomic<std::size_t> done_ = 0;
    std::atomic<bool> busy_ = false;

    // Sleeping. A sleeper sets its flag, then looks once more at what it waits for; others change
    // that, then read the flag (all in one order), so no wake-up is lost.
    Mutex mutex_;
    Condition wake_;
    Condition finished_;
    std::atomic<std::size_t> sleepers_ = 0;
    std::atomic<bool> caller_sleeps_ = false;
    std::atomic<bool> stopping_ = false;
};

}  // namespace cairn
