// A child process of the demo: it runs this same program with its output in a log file, and ends
// with its parent, even if the parent is killed.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace cairn::demo {

/// Whether the demo was asked to stop: asked while it waits for anything.
using Stop = std::function<bool()>;
inline Error stopped_early() { return Error{ErrorCode::kCancelled, "stopped before the end"}; }

class ChildProcess {
  public:
    /// Runs this program with `arguments`; standard output and error go to `log_file`.
    static Result<ChildProcess> start(const std::vector<std::string>& arguments,
                                      const std::string& log_file);
    ChildProcess(ChildProcess&& other) noexcept;
    ChildProcess& operator=(ChildProcess&& other) noexcept;
    ~ChildProcess();

    pid_t pid() const { return pid_; }
    bool running();
    /// SIGTERM, then SIGKILL if it is still there after `grace_ms`. Waits for it.
    void stop(int grace_ms = 8000);
    /// SIGKILL at once: what a crash or a power cut does to it.
    void kill();
    /// Asks it to end (SIGTERM) without waiting: so that several end side by side.
    void ask_to_end();
    /// Waits until it ends by itself; its exit status, or kTimeout, or kCancelled once `stop` says
    /// so (it is then killed).
    Result<int> wait(int timeout_ms, const Stop& stop);
    /// All that it has written so far.
    std::string output() const;
    /// The end of that, for an error message.
    std::string output_tail() const;

  private:
    ChildProcess(pid_t pid, std::string log_file) : pid_(pid), log_file_(std::move(log_file)) {}

    pid_t pid_ = -1;
    std::string log_file_;
    int status_ = -1;
};

}  // namespace cairn::demo
