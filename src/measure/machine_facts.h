// What this machine is, as `cairn bench` and `cairn doctor` report it: names and sizes that the
// operating system knows. Facts it does not tell are empty or zero, never guessed.
#pragma once

#include <cstdint>
#include <string>

namespace cairn::measure {

struct MachineFacts {
    std::string cpu;        ///< "AMD EPYC", as /proc/cpuinfo has it
    std::string features;   ///< of those that kernels use: "fma avx2 avx512f avx512_vnni"
    std::size_t cores = 0;  ///< processors that this process may run on
    std::string system;     ///< "Linux 6.1.0 x86_64"
    std::string compiler;   ///< that built this program
    std::uint64_t memory_bytes = 0;
    std::uint64_t memory_free_bytes = 0;  ///< available without swapping
};

MachineFacts machine_facts();

/// Free bytes for this user on the disk that holds `path`; 0 if nobody knows.
std::uint64_t disk_free_bytes(const std::string& path);

}  // namespace cairn::measure
