// Time, passed in. Nothing outside base/ and the program's outermost layer reads a clock of its
// own, so that a whole network can run on one simulated clock.
#pragma once

#include <cstdint>

namespace cairn {

class Clock {
  public:
    virtual ~Clock() = default;
    /// Milliseconds since 1970 (UTC). May jump.
    virtual std::uint64_t wall_ms() const = 0;
    /// Microseconds since some fixed point. Never goes back.
    virtual std::uint64_t monotonic_us() const = 0;
};

class SystemClock final : public Clock {
  public:
    std::uint64_t wall_ms() const override;
    std::uint64_t monotonic_us() const override;
};

/// A clock that stands still until told.
class ManualClock final : public Clock {
  public:
    explicit ManualClock(std::uint64_t wall_ms = 1'700'000'000'000) : wall_ms_(wall_ms) {}
    std::uint64_t wall_ms() const override { return wall_ms_ + us_ / 1000; }
    std::uint64_t monotonic_us() const override { return us_; }
    void advance_us(std::uint64_t us) { us_ += us; }

  private:
    std::uint64_t wall_ms_;
    std::uint64_t us_ = 0;
};

}  // namespace cairn
