// TaskThread: a thread that runs tasks in the order in which they were posted, and between them
// turns of work of its own for as long as there is any. What only its tasks and turns touch needs
// no lock.
#pragma once

#include <deque>
#include <functional>
#include <thread>

#include "base/mutex.h"

namespace cairn::host {

class TaskThread {
  public:
    /// One piece of work; false when there is none until another task has run. May be empty.
    using Turn = std::function<bool()>;

    explicit TaskThread(Turn turn = {});
    ~TaskThread() { stop(); }
    TaskThread(const TaskThread&) = delete;
    TaskThread& operator=(const TaskThread&) = delete;

    /// From any thread. Nothing bounds the tasks here: those who post do. After stop() a task is
    /// dropped.
    void post(std::function<void()> task);
    /// Waits for the task or turn that is running; those that have not begun are dropped. Not from
    /// the thread itself.
    void stop();

  private:
    void run();

    Turn turn_;
    Mutex mutex_;
    Condition wake_;
    std::deque<std::function<void()>> tasks_ GUARDED_BY(mutex_);
    bool stopping_ GUARDED_BY(mutex_) = false;
    std::thread thread_;  // last: it runs when all else is there
};

}  // namespace cairn::host
