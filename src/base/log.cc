#include "base/log.h"

#include <cstdlib>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <ctime>

#include "base/clock.h"
#include "base/log_rate_limiter.h"
#include "base/log_writer.h"
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
        const char* const no_colour = std::getenv("NO_COLOR");
        if (no_colour != nullptr && *no_colour != '\0')
            static_cast<spdlog::sinks::stderr_color_sink_mt&>(*made->sinks().front())
                .set_color_mode(spdlog::color_mode::never);
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

/// Where lines go instead of standard error.
struct Elsewhere {
    Mutex mutex;
    LogWriter writer GUARDED_BY(mutex);
};

Elsewhere& elsewhere() {
    static Elsewhere instance;
    return instance;
}

std::string with_time(LogLevel level, std::string_view line) {
    const auto seconds = static_cast<std::time_t>(SystemClock().wall_ms() / 1000);
    std::tm parts{};
    char time[16] = "";
    if (::localtime_r(&seconds, &parts) != nullptr)
        (void)std::strftime(time, sizeof time, "%H:%M:%S", &parts);
    const auto name = spdlog::level::to_string_view(to_spdlog(level));
    return fmt::format("{} {} {}", time, std::string_view(name.data(), name.size()), line);
}

void write(LogLevel level, std::string_view text) {
    const std::string line = printable_line(text);
    {
        const MutexLock lock(elsewhere().mutex);
        if (elsewhere().writer) return elsewhere().writer(with_time(level, line));
    }
    logger().log(to_spdlog(level), "{}", line);
}

}  // namespace

void set_log_writer(LogWriter writer) {
    const MutexLock lock(elsewhere().mutex);
    elsewhere().writer = std::move(writer);
}

void log_line(LogLevel level, std::string_view line) {
    if (!logger().should_log(to_spdlog(level))) return;
    if (level != LogLevel::kWarn && level != LogLevel::kError) return write(level, line);
    static Repeats repeats;
    std::optional<std::string> shown;
    {
        const MutexLock lock(repeats.mutex);
        shown = repeats.limiter.pass(line, SystemClock().monotonic_us() / 1000);
    }
    if (shown) write(level, *shown);
}

}  // namespace cairn
