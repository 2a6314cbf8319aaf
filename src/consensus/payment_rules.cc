// CONSENSUS: changing a result here splits the network.
#include "consensus/payment_rules.h"

#include "base/check.h"
#include "base/int128.h"

namespace cairn::consensus {

Verdict check_spending(const chain::NetworkDefinition& network, const CoinSet& coins,
                       const chain::Payment& payment, std::uint32_t height, std::uint64_t* fee) {
    if (payment.inputs.empty() || payment.signatures.size() != payment.inputs.size())
        return Verdict::invalid(Rule::kC2, "payment needs an input, and one signature for each");
    if (payment.outputs.empty() || payment.outputs.size() > chain::kMaxPaymentOutputs)
        return Verdict::invalid(Rule::kC2, "payment needs one or two outputs");
    Uint128 in = 0;
    for (std::size_t i = 0; i < payment.inputs.size(); ++i) {
        const chain::OutPoint& input = payment.inputs[i];
        if (i > 0 && !(payment.inputs[i - 1] < input))
            return Verdict::invalid(Rule::kC2, "payment's inputs must be sorted, each once");
        const Coin* coin = coins.find(input);
        if (coin == nullptr)
            return Verdict::invalid(Rule::kC3, "payment spends " + short_hex(input.id) + ":" +
                                                   std::to_string(input.index) +
                                                   ", which does not exist or is spent already");
        if (coin->coinbase && height - coin->height < network.coinbase_maturity)
            return Verdict::invalid(Rule::kC3, "payment spends a minted coin before it is " +
                                                   std::to_string(network.coinbase_maturity) +
                                                   " blocks old");
        in += coin->output.amount;
    }
    Uint128 out = 0;
    for (const chain::Output& output : payment.outputs) {
        if (output.kind != chain::OutputKind::kKey)
            return Verdict::invalid(Rule::kC2, "channel outputs come with a later version");
        if (output.amount == 0 || output.amount >= chain::kMaxAmount)
            return Verdict::invalid(Rule::kC2, "payment's amounts must be 1 to 2^62 - 1");
        out += output.amount;
    }
    if (out > in) return Verdict::invalid(Rule::kC3, "payment makes more than it spends");
    if (fee != nullptr) *fee = static_cast<std::uint64_t>(in - out);
    return Verdict::valid();
}

Verdict check_signatures(const Hash256& genesis_id, const CoinSet& coins,
                         const chain::Payment& payment) {
    std::vector<chain::Output> spent;
    for (const chain::OutPoint& input : payment.inputs) {
        const Coin* coin = coins.find(input);
        CHECK(coin != nullptr);
        spent.push_back(coin->output);
    }
    const Hash256 message = chain::signature_hash(genesis_id, payment, spent);
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
