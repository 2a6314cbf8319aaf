// What `cairn wallet send` and `channel open` have in common: the order of a payment as it is
// asked for on the command line, and the coins that pay for it.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/chain/wallet_command.h"
#include "wallet/spend.h"

namespace cairn::cli {

/// To whom, how much and, where the request names one, for which fee. kMisused names what is wrong.
Result<wallet::PaymentOrder> order_of(const WalletRequest& request);

/// Those of `coins` that pay for the order. Where the request names no fee it is chosen here, by
/// `fee_rate` units a byte, and set in the order. Errors as wallet::choose_coins() and
/// check_amounts().
Result<std::vector<wallet::OwnCoin>> coins_for(const WalletRequest& request, std::uint64_t fee_rate,
                                               std::vector<wallet::OwnCoin> coins,
                                               wallet::PaymentOrder& order);

}  // namespace cairn::cli
