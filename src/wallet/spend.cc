#include "wallet/spend.h"

#include <algorithm>

namespace cairn::wallet {
namespace {

using chain::amount_text;

bool is_spendable(const OwnCoin& coin) {
    return coin.mature && !coin.spent && !coin.pending &&
           coin.output.kind == chain::OutputKind::kKey && coin.output.amount < chain::kMaxAmount;
}

std::uint64_t add_up(std::uint64_t a, std::uint64_t b) {
    constexpr std::uint64_t kMost = ~std::uint64_t{0};
    return a > kMost - b ? kMost : a + b;
}

Status check_order(const PaymentOrder& order) {
    if (order.amount == 0) return invalid("the amount must be at least 1");
    if (order.amount >= chain::kMaxAmount || order.fee >= chain::kMaxAmount)
        return invalid("no amount may reach 2^62");
    if (!crypto::is_valid(order.to)) return invalid("nobody can own this address: it is not a key");
    return ok_status();
}

/// Spends exactly `coins`, in the order that a payment wants.
Status add_inputs(std::vector<OwnCoin> coins, chain::Payment& payment,
                  std::vector<chain::Output>& spent) {
    std::ranges::sort(coins, {}, &OwnCoin::outpoint);
    for (const OwnCoin& coin : coins) {
        if (!payment.inputs.empty() && payment.inputs.back() == coin.outpoint)
            return invalid("the same coin is listed twice");
        payment.inputs.push_back(coin.outpoint);
        spent.push_back(coin.output);
    }
    return ok_status();
}

Status sign(const Wallet& wallet, const Hash256& genesis_id, chain::Payment& payment,
            const std::vector<chain::Output>& spent, Random& random) {
    const Hash256 message = chain::signature_hash(genesis_id, payment, spent);
    for (const chain::Output& output : spent) {
        const auto secret = wallet.secret_of(output.key);
        if (!secret) return refused("a coin to be spent belongs to a key that is not the wallet's");
        payment.signatures.push_back(crypto::sign(*secret, message, random));
    }
    return ok_status();
}

std::uint64_t sum_of(const std::vector<OwnCoin>& coins) {
    std::uint64_t sum = 0;
    for (const OwnCoin& coin : coins) sum = add_up(sum, coin.output.amount);
    return sum;
}

}  // namespace

Error watches_only() {
    return refused(
        "this wallet only watches: it has no secret to sign with; pay from the wallet "
        "that has the words");
}

Balance balance_of(const std::vector<OwnCoin>& coins) {
    Balance balance;
    for (const OwnCoin& coin : coins) {
        if (coin.output.kind != chain::OutputKind::kKey) continue;
        if (coin.spent) continue;
        std::uint64_t& sum = coin.pending  ? balance.pending
                             : coin.mature ? balance.spendable
                                           : balance.maturing;
        sum = add_up(sum, coin.output.amount);
    }
    return balance;
}

Result<std::vector<OwnCoin>> choose_coins(std::vector<OwnCoin> coins, std::uint64_t target) {
    const Balance balance = balance_of(coins);
    std::erase_if(coins, [](const OwnCoin& coin) { return !is_spendable(coin); });
    std::ranges::sort(coins, [](const OwnCoin& a, const OwnCoin& b) {
        if (a.output.amount != b.output.amount) return a.output.amount > b.output.amount;
        return a.outpoint < b.outpoint;
    });
    std::uint64_t sum = 0;
    std::size_t count = 0;
    while (count < coins.size() && count < chain::kMaxPaymentInputs && sum < target)
        sum += coins[count++].output.amount;
    if (sum >= target && count > 0) {
        coins.resize(count);
        return coins;
    }
    if (balance.spendable >= target)
        return refused("the coins are too small: one payment spends at most " +
                       std::to_string(chain::kMaxPaymentInputs) + " of them, here " +
                       amount_text(sum) + " coins together; send " + amount_text(target) +
                       " (fee included) in several payments");
    std::string message = "not enough coins: " + amount_text(target) + " needed (fee included), " +
                          amount_text(balance.spendable) + " there";
    if (balance.pending > 0)
        message += ", and " + amount_text(balance.pending) +
                   " more once payments in the pool are in a block";
    if (balance.maturing > 0)
        message += ", and " + amount_text(balance.maturing) + " more when they have matured";
    return refused(std::move(message));
}

Result<std::vector<OwnCoin>> choose_coins_at_rate(const std::vector<OwnCoin>& coins,
                                                  std::uint64_t fee_rate, PaymentOrder& order) {
    if (fee_rate >= chain::kMaxAmount / chain::kMaxPaymentBytes)
        return invalid("no payment can pay " + std::to_string(fee_rate) + " for each byte");
    std::size_t inputs = 1;
    while (true) {
        order.fee = fee_rate * (chain::payment_bytes(inputs, chain::kMaxPaymentOutputs) +
                                (order.channel_expiry > 0 ? chain::kChannelBytesMore : 0));
        RETURN_IF_ERROR(check_order(order));
        ASSIGN_OR_RETURN(std::vector<OwnCoin> chosen,
                         choose_coins(coins, order.amount + order.fee));
        // A larger fee never needs fewer coins, so this ends.
        if (chosen.size() <= inputs) return chosen;
        inputs = chosen.size();
    }
}

Result<chain::Payment> make_payment(const Wallet& wallet, const Hash256& genesis_id,
                                    const std::vector<OwnCoin>& coins, const PaymentOrder& order,
                                    const crypto::PublicKey& change, Random& random) {
    RETURN_IF_ERROR(check_order(order));
    if (!wallet.can_spend()) return watches_only();
    if (!wallet.secret_of(change))
        return refused("the change would go to a key that is not the wallet's");
    const std::uint64_t target = order.amount + order.fee;
    ASSIGN_OR_RETURN(const std::vector<OwnCoin> chosen, choose_coins(coins, target));
    const std::uint64_t sum = sum_of(chosen);
    chain::Payment payment;
    std::vector<chain::Output> spent;
    RETURN_IF_ERROR(add_inputs(chosen, payment, spent));
    if (order.channel_expiry > 0)
        payment.outputs.push_back(
            {order.amount, chain::OutputKind::kChannel, change, order.to, order.channel_expiry});
    else
        payment.outputs.push_back({order.amount, chain::OutputKind::kKey, order.to});
    if (sum > target) payment.outputs.push_back({sum - target, chain::OutputKind::kKey, change});

    RETURN_IF_ERROR(sign(wallet, genesis_id, payment, spent, random));
    return payment;
}

Result<WaitingPayment> waiting_payment(const Wallet& wallet, const chain::Payment& payment,
                                       std::uint64_t fee, const std::vector<OwnCoin>& own) {
    const auto is_channel = [](const chain::Output& output) {
        return output.kind == chain::OutputKind::kChannel;
    };
    if (payment.form != chain::PaymentForm::kPlain ||
        std::ranges::any_of(payment.outputs, is_channel))
        return refused(
            "this payment opens or closes a channel and is not replaced: one that closes it is "
            "made again by `cairn wallet channel close`");
    WaitingPayment waiting{payment, {}, fee, false, 0};
    for (const chain::OutPoint& input : payment.inputs) {
        const auto found = std::ranges::find(own, input, &OwnCoin::outpoint);
        if (found == own.end())
            return refused("this is not a payment of this wallet: it spends a coin of another key");
        waiting.coins.push_back(*found);
    }
    const std::vector<chain::Output>& outputs = payment.outputs;
    waiting.has_change = outputs.size() > 1 && wallet.secret_of(outputs.back().key).has_value();
    for (std::size_t i = 0; i + (waiting.has_change ? 1 : 0) < outputs.size(); ++i)
        waiting.paid = add_up(waiting.paid, outputs[i].amount);
    return waiting;
}

std::uint64_t replacing_fee(const WaitingPayment& old, std::size_t more, std::uint64_t fee_rate) {
    const std::uint64_t old_bytes =
        chain::payment_bytes(old.payment.inputs.size(), old.payment.outputs.size());
    const std::uint64_t bytes =
        chain::payment_bytes(old.payment.inputs.size() + more, chain::kMaxPaymentOutputs);
    // More for each byte, and in all as much as the old one and the rate for its own bytes besides.
    return std::max(old.fee + fee_rate * bytes, (old.fee / old_bytes + 1) * bytes);
}

Result<chain::Payment> replace_payment(const Wallet& wallet, const Hash256& genesis_id,
                                       const WaitingPayment& old, const std::vector<OwnCoin>& more,
                                       std::uint64_t fee, const crypto::PublicKey& change,
                                       Random& random) {
    if (!wallet.can_spend()) return watches_only();
    if (fee >= chain::kMaxAmount) return invalid("no amount may reach 2^62");
    chain::Payment payment;
    std::vector<chain::Output> spent;
    std::vector<OwnCoin> coins = old.coins;
    coins.insert(coins.end(), more.begin(), more.end());
    RETURN_IF_ERROR(add_inputs(coins, payment, spent));
    if (payment.inputs.size() > chain::kMaxPaymentInputs)
        return refused("a payment spends at most " + std::to_string(chain::kMaxPaymentInputs) +
                       " coins");
    payment.outputs = old.payment.outputs;
    const crypto::PublicKey back = old.has_change ? payment.outputs.back().key : change;
    if (old.has_change) payment.outputs.pop_back();
    const std::uint64_t paid = add_up(old.paid, fee);
    const std::uint64_t sum = sum_of(coins);
    if (sum < paid)
        return refused("not enough coins for this fee: " + amount_text(paid - sum) +
                       " more are needed");
    // Else what is left over would be fee, too, which nobody agreed to.
    if (sum > paid && payment.outputs.size() == chain::kMaxPaymentOutputs)
        return refused("this payment pays " + std::to_string(chain::kMaxPaymentOutputs) +
                       " recipients and has no place for change: it is not replaced");
    if (sum > paid) payment.outputs.push_back({sum - paid, chain::OutputKind::kKey, back});
    RETURN_IF_ERROR(sign(wallet, genesis_id, payment, spent, random));
    return payment;
}

}  // namespace cairn::wallet
