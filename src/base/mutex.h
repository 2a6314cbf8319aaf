// A mutex that clang checks: what is marked GUARDED_BY(mutex) cannot be touched without holding it,
// or the clang build fails (-Wthread-safety, an error). std::mutex carries no such marks in
// libstdc++, so every mutex of ours is this one. Other compilers see plain code.
//
// Inside a lambda the analysis does not know what its caller holds, so waits are written as loops:
//   MutexLock lock(mutex_);
//   while (jobs_.empty()) wake_.wait(mutex_);
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#if defined(__clang__)
#define CAIRN_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define CAIRN_THREAD_ATTRIBUTE(x)
#endif

/// On a member: it is read and written only while holding the mutex.
#define GUARDED_BY(mutex) CAIRN_THREAD_ATTRIBUTE(guarded_by(mutex))
/// On a pointer: the same for what it points to.
#define PT_GUARDED_BY(mutex) CAIRN_THREAD_ATTRIBUTE(pt_guarded_by(mutex))
/// On a function: its caller must hold the mutex.
#define REQUIRES(mutex) CAIRN_THREAD_ATTRIBUTE(requires_capability(mutex))

namespace cairn {

class CAIRN_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
  public:
    Mutex() = default;
    Mutex(const Mutex&) = delete;
    Mutex& operator=(const Mutex&) = delete;

    void lock() CAIRN_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
    void unlock() CAIRN_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

  private:
    friend class Condition;
    std::mutex mutex_;
};

/// Holds a mutex for a scope.
class CAIRN_THREAD_ATTRIBUTE(scoped_lockable) MutexLock {
  public:
    explicit MutexLock(Mutex& mutex) CAIRN_THREAD_ATTRIBUTE(acquire_capability(mutex))
        : mutex_(mutex) {
        mutex_.lock();
    }
    ~MutexLock() CAIRN_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
    MutexLock(const MutexLock&) = delete;
    MutexLock& operator=(const MutexLock&) = delete;

  private:
    Mutex& mutex_;
};

class Condition {
  public:
    /// Releases the mutex, sleeps until notified (or woken spuriously), and takes it again.
    void wait(Mutex& mutex) REQUIRES(mutex) {
        std::unique_lock lock(mutex.mutex_, std::adopt_lock);
        condition_.wait(lock);
        lock.release();
    }
    /// The same, for at most so long.
    void wait_ms(Mutex& mutex, std::uint64_t ms) REQUIRES(mutex) {
        std::unique_lock lock(mutex.mutex_, std::adopt_lock);
        condition_.wait_for(lock, std::chrono::milliseconds(ms));
        lock.release();
    }
    void notify_one() { condition_.notify_one(); }
    void notify_all() { condition_.notify_all(); }

  private:
    std::condition_variable condition_;
};

}  // namespace cairn
