// A time for people.
#pragma once

#include <cstdint>
#include <string>

namespace cairn {

/// "2026-11-21 21:40:05 UTC", of milliseconds since 1970.
std::string time_text(std::uint64_t time_ms);
/// "2026-11-21 21:40", for a table whose head says that it is UTC.
std::string minute_text(std::uint64_t time_ms);

}  // namespace cairn
