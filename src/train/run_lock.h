// RunLock: one training run at a time writes a checkpoint. Two of them would replace each other's
// state in turn, and whichever ended first would take the other's away.
#pragma once

#include <string>

#include "base/result.h"

namespace cairn::train {

class RunLock {
  public:
    /// Holds `out` (links followed) until it is destroyed, by a file OUT.lock with the process's
    /// number that is locked and in the end removed; one that a crash left behind is taken over.
    /// kRefused while another run holds it. A file system that cannot lock is trusted.
    static Result<RunLock> take(const std::string& out);

    RunLock(RunLock&& other) noexcept : path_(std::move(other.path_)), fd_(other.fd_) {
        other.fd_ = -1;
    }
    RunLock(const RunLock&) = delete;
    RunLock& operator=(const RunLock&) = delete;
    RunLock& operator=(RunLock&&) = delete;
    ~RunLock();

  private:
    RunLock(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

    std::string path_;
    int fd_;
};

}  // namespace cairn::train
