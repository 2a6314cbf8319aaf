#include "cli/chain/amount.h"

#include <algorithm>

#include "api/explain.h"
#include "base/text.h"
#include "chain/payment.h"

namespace cairn::cli {

namespace {

constexpr std::size_t kDecimals = 8;
constexpr std::size_t kMaxWhole = 12;
constexpr std::size_t kMaxShown = 40;
constexpr std::uint64_t kFeeShare = 10;         // of the amount
constexpr std::uint64_t kSmallFee = 1'000'000;  // 0.01 coins: below this no fee is questioned

std::string shown(std::string_view text) {
    return "'" + printable_line(text.substr(0, kMaxShown)) +
           (text.size() > kMaxShown ? "...'" : "'");
}

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

}  // namespace

Result<std::uint64_t> parse_amount(std::string_view text, const std::string& what) {
    const std::string like = ": it is written in coins, like 12.5";
    if (text.empty()) return misused(what + " is missing" + like);
    if (text[0] == '-') return misused(what + " cannot be negative, as " + shown(text) + " is");
    const std::size_t point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    const bool pointed = point != std::string_view::npos;
    std::string decimals(pointed ? text.substr(point + 1) : "");
    if (!std::ranges::all_of(whole, is_digit) || !std::ranges::all_of(decimals, is_digit) ||
        (pointed ? decimals.empty() : whole.empty()))
        return misused(shown(text) + " is no number of coins" + like);
    if (decimals.size() > kDecimals)
        return misused(shown(text) + " has " + std::to_string(decimals.size()) +
                       " digits after the point; a coin has " + std::to_string(kDecimals));
    const Error too_large = misused("no payment can hold " + shown(text) + " coins");
    if (whole.size() > kMaxWhole) return too_large;
    decimals.append(kDecimals - decimals.size(), '0');
    std::uint64_t amount = 0;
    for (const char digit : std::string(whole) + decimals) {
        amount = amount * 10 + static_cast<std::uint64_t>(digit - '0');
        if (amount >= chain::kMaxAmount) return too_large;
    }
    return amount;
}

Status check_amounts(std::uint64_t amount, std::uint64_t fee, bool high_fee_is_meant) {
    if (amount == 0) return misused("an amount of 0 pays nobody: give --amount above 0");
    if (fee > kSmallFee && fee > amount / kFeeShare && !high_fee_is_meant)
        return Error{ErrorCode::kMisused,
                     "a fee of " + api::amount_text(fee) + " for an amount of " +
                         api::amount_text(amount) +
                         " is more than a tenth of it: were the two exchanged? If it is meant, "
                         "give --high-fee"};
    return ok_status();
}

}  // namespace cairn::cli
