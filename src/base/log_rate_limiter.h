// Keeps a lasting fault (a full disk, a peer that is wrong again and again) from filling the log:
// the first few lines of a kind are shown, then the 8th, the 16th, the 32nd and so on, each with
// its number. Lines that differ only in numbers, hashes and addresses are of one kind.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace cairn {

class LogRateLimiter {
  public:
    /// `line` as it is to be shown now, or nothing. A kind that was silent for ten minutes begins
    /// afresh.
    std::optional<std::string> pass(std::string_view line, std::uint64_t now_ms);

  private:
    struct Kind {
        std::uint64_t count = 0;
        std::uint64_t last_ms = 0;
    };
    std::map<std::string, Kind> kinds_;  // bounded: emptied when full
};

}  // namespace cairn
