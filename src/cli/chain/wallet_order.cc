#include "cli/chain/wallet_order.h"

#include <utility>

#include "cli/chain/amount.h"
#include "wallet/address.h"

namespace cairn::cli {

Result<wallet::PaymentOrder> order_of(const WalletRequest& request) {
    wallet::PaymentOrder order;
    ASSIGN_OR_RETURN(order.amount, parse_amount(request.amount));
    if (!request.fee.empty()) {
        ASSIGN_OR_RETURN(order.fee, parse_amount(request.fee, "a fee"));
    }
    RETURN_IF_ERROR(check_amounts(order.amount, order.fee, request.high_fee));
    auto to = wallet::decode_address(request.to);
    if (!to.ok()) return misused("--to: " + to.error().message);
    order.to = *to;
    return order;
}

Result<std::vector<wallet::OwnCoin>> coins_for(const WalletRequest& request, std::uint64_t fee_rate,
                                               std::vector<wallet::OwnCoin> coins,
                                               wallet::PaymentOrder& order) {
    if (!request.fee.empty())
        return wallet::choose_coins(std::move(coins), order.amount + order.fee);
    ASSIGN_OR_RETURN(coins, wallet::choose_coins_at_rate(coins, fee_rate, order));
    RETURN_IF_ERROR(check_amounts(order.amount, order.fee, request.high_fee));
    return coins;
}

}  // namespace cairn::cli
