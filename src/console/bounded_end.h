// BoundedEnd: a program that was told to stop ends within a bounded time, whatever it is doing:
// reading a model of many gigabytes, say, from a disk that does not answer. Only for what leaves
// nothing half written.
#pragma once

#include <chrono>
#include <thread>

#include "base/mutex.h"

namespace cairn::console {

class BoundedEnd {
  public:
    BoundedEnd() = default;
    /// In time: nothing happens.
    ~BoundedEnd();
    BoundedEnd(const BoundedEnd&) = delete;
    BoundedEnd& operator=(const BoundedEnd&) = delete;

    /// From now on: if this still lives after `patience`, the process ends at once, with code 0.
    void begin(std::chrono::milliseconds patience);

  private:
    Mutex mutex_;
    bool in_time_ GUARDED_BY(mutex_) = false;
    std::thread watch_;
};

}  // namespace cairn::console
