// TokenBucket: how often something may happen: so many times at once, and so many a second from
// then on. It begins full.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/check.h"

namespace cairn {

class TokenBucket {
  public:
    TokenBucket(double at_once, double per_s)
        : at_once_(at_once), per_s_(per_s), tokens_(at_once) {}

    /// Whether it may happen now. CHECKs that `now_ms` does not go back.
    bool has(std::uint64_t now_ms) {
        CHECK(now_ms >= filled_ms_);
        const double more = static_cast<double>(now_ms - filled_ms_) / 1000 * per_s_;
        tokens_ = std::min(at_once_, tokens_ + more);
        filled_ms_ = now_ms;
        return tokens_ >= 1;
    }
    /// The same, and that it does.
    bool take(std::uint64_t now_ms) {
        if (!has(now_ms)) return false;
        tokens_ -= 1;
        return true;
    }

  private:
    double at_once_, per_s_;
    double tokens_;
    std::uint64_t filled_ms_ = 0;
};

}  // namespace cairn
