#include "base/time_text.h"

#include <ctime>

namespace cairn {

std::string time_text(std::uint64_t time_ms) {
    const auto seconds = static_cast<std::time_t>(time_ms / 1000);
    std::tm parts{};
    char text[40];
    if (::gmtime_r(&seconds, &parts) == nullptr ||
        std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts) == 0)
        return std::to_string(time_ms) + " ms";
    return text;
}

std::string minute_text(std::uint64_t time_ms) {
    const std::string text = time_text(time_ms);
    return text.ends_with(" UTC") ? text.substr(0, text.size() - std::string(":05 UTC").size())
                                  : text;
}

}  // namespace cairn
