// Requests to end, which a long command checks for between two pieces of work, so that it can save
// first: Ctrl-C, SIGTERM, the terminal closed (SIGHUP), the reader of our output gone (SIGPIPE),
// the processor time used up (SIGXCPU), what batch systems send before a job's time is over
// (SIGUSR1, SIGUSR2). A second Ctrl-C or SIGTERM ends the program at once; the others may come
// twice.
#pragma once

#include <array>
#include <csignal>

namespace cairn::console {

/// Makes exceeding the file size limit (ulimit -f) an error of that write instead of the end of the
/// process. Called once, first thing in main().
void ignore_file_size_signal();

/// Catches the signals while it lives; only one may exist at a time. Signals that were ignored when
/// the program started (nohup) stay ignored.
class Interrupt {
  public:
    /// What a second Ctrl-C does: end the program, or (in a conversation) the same as the first.
    enum class SecondCtrlC { kEnds, kIsOneMore };
    explicit Interrupt(SecondCtrlC second = SecondCtrlC::kEnds);
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    /// Something should stop: any of the signals came.
    bool raised() const;
    /// The whole program should end, not only the current work: a signal other than Ctrl-C came.
    bool must_end() const;
    /// Resets raised() for the next piece of work; must_end() stays.
    void forget();

  private:
    std::array<struct sigaction, 7> before_{};
};

}  // namespace cairn::console
