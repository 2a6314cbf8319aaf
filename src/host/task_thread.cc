#include "host/task_thread.h"

#include <utility>

#include "base/float_mode.h"

namespace cairn::host {

TaskThread::TaskThread(Turn turn) : turn_(std::move(turn)), thread_([this] { run(); }) {}

void TaskThread::post(std::function<void()> task) {
    const MutexLock lock(mutex_);
    if (stopping_) return;
    tasks_.push_back(std::move(task));
    wake_.notify_one();
}

void TaskThread::stop() {
    std::deque<std::function<void()>> dropped;  // what they hold ends without the lock
    {
        const MutexLock lock(mutex_);
        stopping_ = true;
        dropped.swap(tasks_);
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void TaskThread::run() {
    set_float_mode();
    bool more = static_cast<bool>(turn_);
    while (true) {
        std::function<void()> task;
        {
            const MutexLock lock(mutex_);
            while (tasks_.empty() && !stopping_ && !more) wake_.wait(mutex_);
            if (stopping_) return;
            if (!tasks_.empty()) {
                task = std::move(tasks_.front());
                tasks_.pop_front();
            }
        }
        if (task) {
            task();
            more = static_cast<bool>(turn_);
        } else {
            more = turn_();
        }
    }
}

}  // namespace cairn::host
