#include "measure/machine_facts.h"

#include <sched.h>
#include <sys/utsname.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#include <fmt/core.h>

#include "base/files.h"

namespace cairn::measure {

namespace {

// The value of the first line "key : value" of a file like /proc/cpuinfo.
std::string value_of(const std::string& path, const std::string& key) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        const std::size_t colon = line.find(':');
        if (colon == std::string::npos || !line.starts_with(key)) continue;
        if (line.find_first_not_of(" \t", key.size()) != colon) continue;
        const std::size_t begin = line.find_first_not_of(" \t", colon + 1);
        return begin == std::string::npos ? std::string() : line.substr(begin);
    }
    return {};
}

std::uint64_t memory_value(const std::string& key) {
    std::istringstream text(value_of("/proc/meminfo", key));
    std::uint64_t kilobytes = 0;
    text >> kilobytes;
    return kilobytes * 1024;
}

std::string kernel_features() {
    constexpr const char* kUsed[] = {"fma",         "f16c",     "avx2",  "avx_vnni", "avx512f",
                                     "avx512_vnni", "avx512bw", "asimd", "asimddp",  "fphp"};
    std::string all = value_of("/proc/cpuinfo", "flags");
    if (all.empty()) all = value_of("/proc/cpuinfo", "Features");
    all = " " + all + " ";
    std::string found;
    for (const char* name : kUsed)
        if (all.find(fmt::format(" {} ", name)) != std::string::npos)
            found += (found.empty() ? "" : " ") + std::string(name);
    return found;
}

std::size_t usable_cores() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return static_cast<std::size_t>(CPU_COUNT(&set));
    return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

MachineFacts machine_facts() {
    MachineFacts facts;
    facts.cpu = value_of("/proc/cpuinfo", "model name");
    facts.features = kernel_features();
    facts.cores = usable_cores();
    utsname name{};
    if (uname(&name) == 0)
        facts.system = fmt::format("{} {} {}", name.sysname, name.release, name.machine);
#if defined(__clang__)
    facts.compiler = "clang " __clang_version__;
#elif defined(__GNUC__)
    facts.compiler = "gcc " __VERSION__;
#endif
    facts.memory_bytes = memory_value("MemTotal");
    facts.memory_free_bytes = memory_value("MemAvailable");
    return facts;
}

std::uint64_t disk_free_bytes(const std::string& path) {
    const auto space = disk_space(path);
    return space.ok() ? space->free : 0;
}

}  // namespace cairn::measure
