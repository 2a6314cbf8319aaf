// LineWriter: lines for a person, written by a thread of its own, so that nobody who says something
// waits for a terminal that is stopped or a pipe that is not read.
#pragma once

#include <memory>
#include <string>

namespace cairn::console {

class LineWriter {
  public:
    /// Of lines that wait; the next is lost, and the reader told how many were.
    static constexpr std::size_t kMaxLines = 1000;
    static constexpr std::size_t kMaxLineBytes = 4096;  ///< longer ones are cut

    /// Writes to a file descriptor that stays open.
    explicit LineWriter(int to);
    /// Gives what waits a moment to be written; whatever is stuck then is lost.
    ~LineWriter();
    LineWriter(const LineWriter&) = delete;
    LineWriter& operator=(const LineWriter&) = delete;

    /// Any thread; returns at once. Control characters are replaced.
    void write(const std::string& line);

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace cairn::console
