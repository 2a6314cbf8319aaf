// Ctrl-C (and SIGTERM) as a question that a long command asks between two pieces of work, so that
// it can save before it ends. A second Ctrl-C ends the program at once.
#pragma once

#include <atomic>

namespace cairn::cli {

/// Catches the signals while it lives; one at a time.
class Interrupt {
  public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    bool raised() const;
};

}  // namespace cairn::cli
