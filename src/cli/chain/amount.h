// Amounts as people write them: whole coins with up to eight digits after the point.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cairn::cli {

/// "1", "0.25", ".5", "0". kMisused names what is wrong: a sign, a word such as nan, an exponent, a
/// comma, more than eight decimals, or more than any payment can hold. `what` is "an amount" or
/// "a fee".
Result<std::uint64_t> parse_amount(std::string_view text, const std::string& what = "an amount");

/// What a payment shall carry, judged before anything else is asked or opened: kMisused for an
/// amount of 0 and for a fee above a tenth of the amount (and above 0.01 coins) unless that is
/// meant.
Status check_amounts(std::uint64_t amount, std::uint64_t fee, bool high_fee_is_meant);

}  // namespace cairn::cli
