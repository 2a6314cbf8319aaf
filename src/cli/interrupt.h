// Being asked to end, as a question that a long command asks between two pieces of work, so that
// it can save first: Ctrl-C, SIGTERM, the terminal closed (SIGHUP), the reader of our output gone
// (SIGPIPE). A second Ctrl-C or SIGTERM ends the program at once; a hang-up may come twice.
#pragma once

#include <array>
#include <csignal>

namespace cairn::cli {

/// Catches the signals while it lives; one at a time. Signals that were ignored when the program
/// started (nohup) stay ignored.
class Interrupt {
  public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    /// Something should stop: any of the signals came.
    bool raised() const;
    /// The whole program should end, not only what it is doing: another one than Ctrl-C came.
    bool must_end() const;

  private:
    std::array<struct sigaction, 4> before_{};
};

}  // namespace cairn::cli
