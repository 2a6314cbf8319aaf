// Paying: which coins to spend, where the change goes, and the signatures. Amounts are in the
// coin's smallest unit.
#pragma once

#include <vector>

#include "chain/payment.h"
#include "wallet/wallet.h"

namespace cairn::wallet {

/// An unspent output that one of the wallet's keys owns.
struct OwnCoin {
    chain::OutPoint outpoint;
    chain::Output output;
    std::uint64_t height = 0;  ///< of the block that made it; 0 where that is not known
    bool mature = true;        ///< false: minted too recently to be spent
    bool spent = false;        ///< a payment that waits in the node's pool spends it
    bool pending = false;  ///< such a payment makes it: it cannot be spent before the next block
};

struct PaymentOrder {
    crypto::PublicKey to;
    std::uint64_t amount = 0;
    std::uint64_t fee = 0;
    /// Above 0: the amount is not paid but put into a channel to `to`, which expires at this
    /// height. Its payer is the key that the change goes to.
    std::uint32_t channel_expiry = 0;
};

/// The error for whoever wants to spend from a wallet that only watches.
Error watches_only();

struct Balance {
    std::uint64_t spendable = 0;
    std::uint64_t maturing = 0;
    std::uint64_t pending = 0;  ///< ours once payments in the pool are in a block
};
Balance balance_of(const std::vector<OwnCoin>& coins);

/// The fewest coins that reach `target` (the largest first; equal amounts by outpoint, so that the
/// choice is the same everywhere). kRefused with figures if there is not enough, or only in more
/// coins than one payment may spend. Channel outputs, immature coins and those that a payment in
/// the pool spends or makes are left alone.
Result<std::vector<OwnCoin>> choose_coins(std::vector<OwnCoin> coins, std::uint64_t target);

/// Chooses coins for an order that pays `fee_rate` units for each byte, and sets order.fee to that:
/// more coins make more bytes. A payment that turns out to need no change pays for that output all
/// the same. Errors as choose_coins.
Result<std::vector<OwnCoin>> choose_coins_at_rate(const std::vector<OwnCoin>& coins,
                                                  std::uint64_t fee_rate, PaymentOrder& order);

/// A signed payment: `order.amount` to `order.to`, what is left to `change` (no second output if
/// nothing is left). kInvalid for amounts out of bounds, a recipient that is not a key, or a coin
/// that is listed twice; kRefused as choose_coins, if the wallet only watches, or if a coin or the
/// change key is not the wallet's.
Result<chain::Payment> make_payment(const Wallet& wallet, const Hash256& genesis_id,
                                    const std::vector<OwnCoin>& coins, const PaymentOrder& order,
                                    const crypto::PublicKey& change, Random& random);

/// A payment of this wallet that waits in a pool, as the wallet sees it.
struct WaitingPayment {
    chain::Payment payment;
    std::vector<OwnCoin> coins;  ///< those that it spends
    std::uint64_t fee = 0;
    bool has_change = false;  ///< its last output is the wallet's, and not the only one
    std::uint64_t paid = 0;   ///< by all outputs but the change
};

/// Finds the spent coins of `payment` among `own`. kRefused if one is not there: it is not, or not
/// wholly, this wallet's payment. kRefused too where it opens a channel, whose name would change
/// with it, or ends one.
Result<WaitingPayment> waiting_payment(const Wallet& wallet, const chain::Payment& payment,
                                       std::uint64_t fee, const std::vector<OwnCoin>& own);

/// What a pool asks at least of a payment that replaces `old` and spends `more` coins besides,
/// where it and the next block ask for `fee_rate` a byte (node/payment_pool.h).
std::uint64_t replacing_fee(const WaitingPayment& old, std::size_t more, std::uint64_t fee_rate);

/// A signed payment in place of `old` with a higher fee: it spends the same coins, so that only one
/// of the two can ever be in a block, and pays the same recipient as much. The fee comes out of the
/// change; if that is not enough, `more` coins are spent besides. `change` is where change goes if
/// `old` had none. kRefused if neither suffices, otherwise as make_payment.
Result<chain::Payment> replace_payment(const Wallet& wallet, const Hash256& genesis_id,
                                       const WaitingPayment& old, const std::vector<OwnCoin>& more,
                                       std::uint64_t fee, const crypto::PublicKey& change,
                                       Random& random);

}  // namespace cairn::wallet
