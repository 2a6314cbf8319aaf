// A fixed set of threads that compute. Work is divided over outputs, never over the terms of a
// sum, so the number of threads cannot change a bit (design rule 1).
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
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
    /// multiple of `grain` long; returns when all are done. One caller at a time.
    void parallel_for(std::size_t count, std::size_t grain,
                      const std::function<void(std::size_t, std::size_t)>& body);

  private:
    void work(std::size_t index);
    void run_share(std::size_t index);

    std::vector<std::thread> workers_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable finished_;
    const std::function<void(std::size_t, std::size_t)>* body_ = nullptr;
    std::size_t count_ = 0;
    std::size_t grain_ = 1;
    std::atomic<std::size_t> generation_ = 0;
    std::atomic<std::size_t> running_ = 0;
    std::size_t sleeping_ = 0;
    bool stopping_ = false;
};

}  // namespace cairn
