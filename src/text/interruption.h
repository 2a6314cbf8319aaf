// Interruption: ends encodings of this thread early, since a text of megabytes takes long and
// whoever wanted it may leave.
//
//   Interruption interruption(nobody_waits);   // an atomic that another thread may set
//   Tokens tokens = tokenizer.encode(text);    // worth nothing once nobody_waits is set
#pragma once

#include <atomic>
#include <cstddef>

namespace cairn::text {

class Interruption {
  public:
    /// While this lives, encodings of this thread end within milliseconds, with any tokens at all,
    /// once `raised` is true. It outlives this.
    explicit Interruption(const std::atomic<bool>& raised);
    ~Interruption();
    Interruption(const Interruption&) = delete;
    Interruption& operator=(const Interruption&) = delete;

  private:
    const std::atomic<bool>* before_;
};

/// Counts the pieces of a long work, and asks after every so many of them whether to go on.
class GoesOn {
  public:
    bool operator()() { return (++pieces_ & kMask) != 0 || !interrupted(); }

  private:
    static constexpr std::size_t kMask = 255;
    static bool interrupted();
    std::size_t pieces_ = 0;
};

}  // namespace cairn::text
