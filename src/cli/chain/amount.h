// Amounts as people write them: whole coins with up to eight digits after the point.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cairn::cli {

/// "1", "0.25", ".5"; refuses signs, more than eight decimals, and what no payment could hold.
Result<std::uint64_t> parse_amount(std::string_view text);

}  // namespace cairn::cli
