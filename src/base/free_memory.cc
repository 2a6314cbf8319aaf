#include "base/free_memory.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "base/text.h"

namespace cairn {

namespace {

constexpr const char* kLimitFile = "/sys/fs/cgroup/memory.max";

std::optional<std::string> text_of(const char* path) {
    std::ifstream file(path);
    if (!file) return std::nullopt;
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
}

// The number in a file that holds one and a line feed ("max" is none).
std::optional<std::uint64_t> number_of(const char* path) {
    auto text = text_of(path);
    if (!text) return std::nullopt;
    while (text->ends_with('\n')) text->pop_back();
    const auto value = parse_whole(*text, path);
    if (!value.ok()) return std::nullopt;
    return *value;
}

/// Of /proc/meminfo; the key with its colon.
std::optional<std::uint64_t> of_machine(std::string_view key) {
    const auto text = text_of("/proc/meminfo");
    const std::size_t at = text ? text->find(key) : std::string::npos;
    if (at == std::string::npos) return std::nullopt;
    const std::size_t begin = text->find_first_not_of(' ', at + key.size());
    const std::size_t end = std::min(text->find(' ', begin), text->size());
    const auto kilobytes = parse_whole(text->substr(begin, end - begin), std::string(key));
    if (!kilobytes.ok()) return std::nullopt;
    return *kilobytes * 1024;
}

}  // namespace

std::optional<std::uint64_t> free_memory_bytes() {
    const auto free = of_machine("MemAvailable:");
    const auto limit = number_of(kLimitFile);
    const auto used = number_of("/sys/fs/cgroup/memory.current");
    if (!limit || !used) return free;
    const std::uint64_t left = *limit - std::min(*limit, *used);
    return free ? std::min(*free, left) : left;
}

std::optional<std::uint64_t> total_memory_bytes() {
    const auto total = of_machine("MemTotal:");
    const auto limit = number_of(kLimitFile);
    return total && limit ? std::min(*total, *limit) : total;
}

}  // namespace cairn
