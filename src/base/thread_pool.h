// A fixed set of threads that compute. Work is divided over outputs, never over the terms of a
// sum, so neither the number of threads nor who takes which piece can change a bit (design rule 1).
//
// A range is cut into a few pieces per thread, and whoever is free takes the next one: a thread
// that the system has put aside delays nobody but its own piece. Between ranges a worker looks for
// the next one for some microseconds before it sleeps, because generating one token calls a hundred
// times. Nothing here allocates after construction.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

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

    static constexpr std::size_t kPiecesPerThread = 4;

  private:
    struct Job {
        std::size_t count = 0;
        std::size_t grain = 1;
        std::size_t pieces = 0;
        const void* object = nullptr;
        void (*call)(const void* object, std::size_t begin, std::size_t end) = nullptr;
    };

    void run(Job job);
    void work();
    void take_pieces();
    bool all_done() const { return done_.load() == job_.pieces; }

    std::vector<std::thread> workers_;
    bool may_spin_ = false;

    // Which job, how many pieces it has and which is next, in one word: a piece is taken only from
    // the job that it belongs to, and job_ stays as it is until all its pieces are done.
    std::atomic<std::uint64_t> ticket_ = 0;
    Job job_;
    alignas(64) std::atomic<std::size_t> done_ = 0;
    std::atomic<bool> busy_ = false;

    // Sleep. A flag is raised before the last look at what is waited for, and read after that was
    // changed (all in one order), so no call is missed.
    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable finished_;
    std::atomic<std::size_t> sleepers_ = 0;
    std::atomic<bool> caller_sleeps_ = false;
    std::atomic<bool> stopping_ = false;
};

}  // namespace cairn
