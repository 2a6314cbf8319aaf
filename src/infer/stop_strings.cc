#include "infer/stop_strings.h"

#include <algorithm>

#include <fmt/core.h>

namespace cairn::infer {

Result<StopStrings> StopStrings::create(std::vector<std::string> stops) {
    if (stops.size() > kMaxStrings)
        return invalid(fmt::format("at most {} stop strings, not {}", kMaxStrings, stops.size()));
    for (const std::string& stop : stops)
        if (stop.empty() || stop.size() > kMaxBytes)
            return invalid(fmt::format("a stop string has 1 to {} bytes", kMaxBytes));
    StopStrings result;
    result.stops_ = std::move(stops);
    return result;
}

std::string StopStrings::push(std::string_view piece) {
    if (stopped_) return {};
    held_ += piece;
    // The stop string that is complete first ends the text, as if it came byte by byte.
    std::size_t begin = 0;
    std::size_t end = std::string::npos;
    for (const std::string& stop : stops_) {
        const std::size_t at = held_.find(stop);
        if (at == std::string::npos) continue;
        const std::size_t after = at + stop.size();
        if (after < end || (after == end && at < begin)) {
            begin = at;
            end = after;
        }
    }
    stopped_ = end != std::string::npos;
    std::size_t show = stopped_ ? begin : held_.size();
    // The longest suffix of the text that begins a stop string is held back.
    if (!stopped_)
        for (const std::string& stop : stops_)
            for (std::size_t length = std::min(stop.size() - 1, held_.size()); length > 0; --length)
                if (std::string_view(held_).ends_with(std::string_view(stop).substr(0, length))) {
                    show = std::min(show, held_.size() - length);
                    break;
                }
    std::string shown = held_.substr(0, show);
    held_.erase(0, stopped_ ? held_.size() : show);
    return shown;
}

std::string StopStrings::finish() {
    std::string rest = std::move(held_);
    held_.clear();
    return rest;
}

}  // namespace cairn::infer
