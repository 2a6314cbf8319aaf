// How much memory this process may still take.
#pragma once

#include <cstdint>
#include <optional>

namespace cairn {

/// Bytes that the system could give without swapping, within the limit of the process's control
/// group where it has one. Nothing where the system does not say.
std::optional<std::uint64_t> free_memory_bytes();

}  // namespace cairn
