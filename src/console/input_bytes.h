// Bytes of standard input (or a pipe, in tests), waited for in a way that signals can end and that
// tells whether more is there already: a paste comes faster than anybody types.
#pragma once

#include <optional>
#include <string>

#include "console/interrupt.h"

namespace cairn::console {

class InputBytes {
  public:
    explicit InputBytes(int descriptor) : descriptor_(descriptor) {}

    enum class Event { kByte, kEnd, kInterrupted };
    /// The next byte. kInterrupted as soon as `interrupt` was raised.
    Event next(const Interrupt& interrupt, char& byte);
    /// The next byte if it comes within `wait_ms`; it stays unread.
    std::optional<char> peek(int wait_ms);
    /// Waits until nothing has come for `quiet_ms` or `most` bytes are there, and returns all bytes
    /// that are there; they stay unread.
    const std::string& look_ahead(int quiet_ms, std::size_t most);

  private:
    bool fill(int wait_ms);

    int descriptor_;
    std::string waiting_;
    std::size_t taken_ = 0;  // of waiting_
    bool ended_ = false;
};

}  // namespace cairn::console
