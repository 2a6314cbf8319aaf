#include "store/int128_text.h"

#include <algorithm>

namespace cairn::store {

namespace {

constexpr std::size_t kMaxDigits = 39;  // 2^127 has 39

}  // namespace

std::string to_decimal(Int128 value) {
    const bool negative = value < 0;
    Uint128 rest =
        negative ? Uint128{0} - static_cast<Uint128>(value) : static_cast<Uint128>(value);
    std::string digits;
    do {
        digits.push_back(static_cast<char>('0' + static_cast<int>(rest % 10)));
        rest /= 10;
    } while (rest != 0);
    if (negative) digits.push_back('-');
    std::reverse(digits.begin(), digits.end());
    return digits;
}

Result<Int128> int128_from_decimal(std::string_view text) {
    std::string_view digits = text;
    const bool negative = digits.starts_with('-');
    if (negative) digits.remove_prefix(1);
    if (digits.empty() || digits.size() > kMaxDigits) return invalid("not a 128-bit integer");
    Uint128 value = 0;
    for (const char digit : digits) {
        if (digit < '0' || digit > '9') return invalid("not a decimal integer");
        value = value * 10 + static_cast<Uint128>(digit - '0');
    }
    const Int128 result = static_cast<Int128>(negative ? Uint128{0} - value : value);
    // One spelling only: this refuses "-0", leading zeros and what does not fit.
    if (to_decimal(result) != text) return invalid("not a 128-bit integer in plain decimal");
    return result;
}

}  // namespace cairn::store
