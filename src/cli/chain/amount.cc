#include "cli/chain/amount.h"

#include "chain/payment.h"

namespace cairn::cli {

namespace {
constexpr std::size_t kDecimals = 8;
}

Result<std::uint64_t> parse_amount(std::string_view text) {
    const Error wrong =
        invalid("an amount is written like 12.5, with at most eight decimals, not '" +
                std::string(text) + "'");
    const std::size_t point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    std::string decimals(point == std::string_view::npos ? "" : text.substr(point + 1));
    if ((whole.empty() && decimals.empty()) || whole.size() > 12 || decimals.size() > kDecimals ||
        (point != std::string_view::npos && decimals.empty()))
        return wrong;
    decimals.append(kDecimals - decimals.size(), '0');
    std::uint64_t amount = 0;
    for (const char digit : std::string(whole) + decimals) {
        if (digit < '0' || digit > '9') return wrong;
        amount = amount * 10 + static_cast<std::uint64_t>(digit - '0');
        if (amount >= chain::kMaxAmount) return invalid("no payment can hold " + std::string(text));
    }
    return amount;
}

}  // namespace cairn::cli
