// How much memory this process may still take, and how much there is.
#pragma once

#include <cstdint>
#include <optional>

namespace cairn {

/// Bytes that the system could give without swapping, within the limit of the process's control
/// group where it has one. Nothing where the system does not say.
std::optional<std::uint64_t> free_memory_bytes();

/// Bytes of the machine's memory, or of the control group's limit where that is lower. Nothing
/// where the system does not say.
std::optional<std::uint64_t> total_memory_bytes();

}  // namespace cairn
