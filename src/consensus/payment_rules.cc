// CONSENSUS: changing a result here splits the network.
#include "consensus/payment_rules.h"

#include "base/check.h"
#include "base/int128.h"
#include "chain/voucher.h"

namespace cairn::consensus {

namespace {

using chain::Output;
using chain::OutputKind;
using chain::PaymentForm;

std::string height_text(std::uint32_t height) { return std::to_string(height); }

/// What the decoder refuses, for payments that were put together in memory.
Verdict check_form(const chain::Payment& payment) {
    if (payment.inputs.empty() ||
        payment.signatures.size() != chain::signature_count(payment.form, payment.inputs.size()))
        return Verdict::invalid(Rule::kC2, "payment needs an input, and its signatures");
    if (payment.form == PaymentForm::kClose && payment.inputs.size() != 1)
        return Verdict::invalid(Rule::kC2, "payment that closes a channel has that input alone");
    if (payment.outputs.empty() || payment.outputs.size() > chain::kMaxPaymentOutputs)
        return Verdict::invalid(Rule::kC2, "payment needs one or two outputs");
    for (std::size_t i = 1; i < payment.inputs.size(); ++i)
        if (!(payment.inputs[i - 1] < payment.inputs[i]))
            return Verdict::invalid(Rule::kC2, "payment's inputs must be sorted, each once");
    for (const Output& output : payment.outputs)
        if (output.amount == 0 || output.amount >= chain::kMaxAmount)
            return Verdict::invalid(Rule::kC2, "payment's amounts must be 1 to 2^62 - 1");
    return Verdict::valid();
}

/// Of an input of a plain payment.
Verdict check_plain(const chain::NetworkDefinition& network, const Coin& coin,
                    std::uint32_t height) {
    if (coin.output.kind == OutputKind::kChannel && height < coin.output.expiry)
        return Verdict::invalid(Rule::kC3,
                                "payment takes a channel back before its expiry, height " +
                                    height_text(coin.output.expiry));
    if (coin.coinbase && height - coin.height < network.coinbase_maturity)
        return Verdict::invalid(Rule::kC3, "payment spends a minted coin before it is " +
                                               std::to_string(network.coinbase_maturity) +
                                               " blocks old");
    return Verdict::valid();
}

/// What the voucher of a close must be for, or 0 if the payer gets more than there is.
std::uint64_t voucher_amount(const Output& channel, const chain::Payment& close) {
    const std::uint64_t rest = close.outputs.size() > 1 ? close.outputs[1].amount : 0;
    return channel.amount > rest ? channel.amount - rest : 0;
}

Verdict check_close(const Coin& coin, const chain::Payment& payment, std::uint32_t height) {
    const Output& channel = coin.output;
    if (channel.kind != OutputKind::kChannel)
        return Verdict::invalid(Rule::kC3, "payment closes what is no channel");
    if (height >= channel.expiry)
        return Verdict::invalid(Rule::kC3, "payment closes a channel that expired at height " +
                                               height_text(channel.expiry));
    const Output& payee = payment.outputs[0];
    if (payee.kind != OutputKind::kKey || payee.key != channel.payee)
        return Verdict::invalid(Rule::kC3, "a closed channel's first output must be its payee's");
    if (payment.outputs.size() > 1 &&
        (payment.outputs[1].kind != OutputKind::kKey || payment.outputs[1].key != channel.key))
        return Verdict::invalid(Rule::kC3, "a closed channel's second output must be its payer's");
    return Verdict::valid();
}

}  // namespace

Verdict check_spending(const chain::NetworkDefinition& network, const CoinSet& coins,
                       const chain::Payment& payment, std::uint32_t height, std::uint64_t* fee) {
    RETURN_UNLESS_VALID(check_form(payment));
    Uint128 in = 0;
    for (const chain::OutPoint& input : payment.inputs) {
        const Coin* coin = coins.find(input);
        if (coin == nullptr)
            return Verdict::invalid(Rule::kC3, "payment spends " + short_hex(input.id) + ":" +
                                                   std::to_string(input.index) +
                                                   ", which does not exist or is spent already");
        RETURN_UNLESS_VALID(payment.form == PaymentForm::kClose
                                ? check_close(*coin, payment, height)
                                : check_plain(network, *coin, height));
        in += coin->output.amount;
    }
    Uint128 out = 0;
    for (const Output& output : payment.outputs) out += output.amount;
    if (out > in) return Verdict::invalid(Rule::kC3, "payment makes more than it spends");
    if (fee != nullptr) *fee = static_cast<std::uint64_t>(in - out);
    return Verdict::valid();
}

Verdict check_signatures(const Hash256& genesis_id, const CoinSet& coins,
                         const chain::Payment& payment) {
    std::vector<Output> spent;
    for (const chain::OutPoint& input : payment.inputs) {
        const Coin* coin = coins.find(input);
        CHECK(coin != nullptr);
        spent.push_back(coin->output);
    }
    const Hash256 message = chain::signature_hash(genesis_id, payment, spent);
    if (payment.form == PaymentForm::kClose) {
        const Output& channel = spent[0];
        const std::uint64_t amount = voucher_amount(channel, payment);
        const Hash256 voucher = chain::voucher_hash(genesis_id, payment.inputs[0], amount);
        if (!crypto::verify(channel.key, voucher, payment.signatures[0]))
            return Verdict::invalid(Rule::kC3, "payment closes a channel at " +
                                                   std::to_string(amount) +
                                                   ", for which its payer signed no voucher");
        if (!crypto::verify(channel.payee, message, payment.signatures[1]))
            return Verdict::invalid(Rule::kC3, "payment closes a channel without its payee");
        return Verdict::valid();
    }
    for (std::size_t i = 0; i < spent.size(); ++i) {
        if (!crypto::verify(spent[i].key, message, payment.signatures[i]))
            return Verdict::invalid(Rule::kC3, "payment's signature " + std::to_string(i) +
                                                   " is not by the coin's owner");
    }
    return Verdict::valid();
}

std::uint64_t fee_of(const CoinSet& coins, const chain::Payment& payment) {
    Uint128 in = 0;
    for (const chain::OutPoint& input : payment.inputs) {
        const Coin* coin = coins.find(input);
        if (coin == nullptr) return 0;
        in += coin->output.amount;
    }
    Uint128 out = 0;
    for (const chain::Output& output : payment.outputs) out += output.amount;
    return in > out ? static_cast<std::uint64_t>(in - out) : 0;
}

}  // namespace cairn::consensus
