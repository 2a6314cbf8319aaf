#include "base/log_rate_limiter.h"

#include <bit>

namespace cairn {

namespace {

constexpr std::uint64_t kAllShown = 4;
constexpr std::uint64_t kForgottenMs = 600'000;
constexpr std::size_t kMaxKinds = 256;

/// The letters that are no hexadecimal digits: enough to tell messages apart.
std::string kind_of(std::string_view line) {
    std::string kind;
    for (const char c : line)
        if (c > 'f' || (c > 'F' && c < 'a')) kind.push_back(c);
    return kind;
}

}  // namespace

std::optional<std::string> LogRateLimiter::pass(std::string_view line, std::uint64_t now_ms) {
    if (kinds_.size() >= kMaxKinds) kinds_.clear();
    Kind& kind = kinds_[kind_of(line)];
    if (kind.count > 0 && now_ms - kind.last_ms >= kForgottenMs) kind = {};
    kind.last_ms = now_ms;
    ++kind.count;
    if (kind.count <= kAllShown) return std::string(line);
    if (!std::has_single_bit(kind.count)) return std::nullopt;
    return std::string(line) + " (" + std::to_string(kind.count) + " of the kind by now)";
}

}  // namespace cairn
