#include "base/bytes_text.h"

#include <fmt/format.h>

namespace cairn {

std::string bytes_text(std::uint64_t bytes) {
    const auto value = static_cast<double>(bytes);
    if (value < 999'950) return fmt::format("{:.1f} kB", value / 1e3);
    if (value < 999'950'000) return fmt::format("{:.1f} MB", value / 1e6);
    return fmt::format("{:.1f} GB", value / 1e9);
}

}  // namespace cairn
