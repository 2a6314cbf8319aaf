#include "base/log.h"

#include <cstdlib>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "base/clock.h"
#include "base/log_rate_limiter.h"
#include "base/mutex.h"
#include "base/text.h"

namespace cairn {

namespace {

/// CAIRN_LOG=info or =debug shows more than warnings and errors.
spdlog::level::level_enum level_from_environment() {
    const char* wanted = std::getenv("CAIRN_LOG");
    const std::string_view level = wanted == nullptr ? "" : wanted;
    if (level == "debug") return spdlog::level::debug;
    return level == "info" ? spdlog::level::info : spdlog::level::warn;
}

spdlog::logger& logger() {
    static const auto instance = [] {
        auto made = std::make_shared<spdlog::logger>(
            "cairn", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
        made->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-5l%$ %v");
        made->set_level(level_from_environment());
        return made;
    }();
    return *instance;
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug:
            return spdlog::level::debug;
        case LogLevel::kInfo:
            return spdlog::level::info;
        case LogLevel::kWarn:
            return spdlog::level::warn;
        case LogLevel::kError:
            return spdlog::level::err;
        case LogLevel::kOff:
            return spdlog::level::off;
    }
    return spdlog::level::info;
}

/// Which warnings and errors were logged lately, by any thread.
struct Repeats {
    Mutex mutex;
    LogRateLimiter limiter GUARDED_BY(mutex);
};

}  // namespace

void log_line(LogLevel level, std::string_view line) {
    if (!logger().should_log(to_spdlog(level))) return;
    if (level != LogLevel::kWarn && level != LogLevel::kError)
        return logger().log(to_spdlog(level), "{}", printable_line(line));
    static Repeats repeats;
    std::optional<std::string> shown;
    {
        const MutexLock lock(repeats.mutex);
        shown = repeats.limiter.pass(line, SystemClock().monotonic_us() / 1000);
    }
    if (shown) logger().log(to_spdlog(level), "{}", printable_line(*shown));
}

}  // namespace cairn
