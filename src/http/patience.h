// Patience: how long one message may take over HTTP, for whoever reads it and for whoever sends it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace cairn::http {

/// Whoever moves nothing for a while is out of time, and so is who moves a byte now and then; a
/// large message that moves slowly gets more time than others.
class Patience {
  public:
    /// A second for each so many bytes, which a line of a quarter of a megabit has.
    static constexpr std::uint64_t kLeastBytesPerSecond = std::uint64_t{32} << 10;

    explicit Patience(std::uint64_t patience_ms) : patience_us_(patience_ms * 1000) { begin(); }

    /// A message begins, or the wait for one.
    void begin() {
        began_us_ = clock_.monotonic_us();
        moved_ = 0;
    }
    void moved(std::size_t bytes) { moved_ += bytes; }
    /// In which more of the message must move, from now on.
    std::chrono::microseconds left() const {
        const std::uint64_t earned_us = moved_ * kSecond_us / kLeastBytesPerSecond;
        const std::uint64_t now_us = clock_.monotonic_us();
        const std::uint64_t end_us = std::min(now_us, began_us_ + earned_us) + patience_us_;
        return std::chrono::microseconds(end_us - std::min(now_us, end_us));
    }

  private:
    static constexpr std::uint64_t kSecond_us = 1'000'000;

    SystemClock clock_;
    std::uint64_t patience_us_;
    std::uint64_t began_us_ = 0;
    std::uint64_t moved_ = 0;
};

}  // namespace cairn::http
