// 128-bit integers as decimal text: SQLite has no integers that wide, and people can read text.
#pragma once

#include <string>
#include <string_view>

#include "base/int128.h"
#include "base/result.h"

namespace cairn::store {

std::string to_decimal(Int128 value);
/// Refuses anything but what to_decimal writes.
Result<Int128> int128_from_decimal(std::string_view text);

}  // namespace cairn::store
