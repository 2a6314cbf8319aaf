// Amounts of bytes as people read them: "1.5 kB", "33.2 MB", "2.1 GB".
#pragma once

#include <cstdint>
#include <string>

namespace cairn {

/// In thousands, millions or thousands of millions, with one decimal.
std::string bytes_text(std::uint64_t bytes);

}  // namespace cairn
