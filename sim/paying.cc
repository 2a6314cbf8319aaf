#include "sim/paying.h"

#include <algorithm>

namespace cairn::sim {
namespace {

struct Found {
    chain::OutPoint outpoint;
    chain::Output output;
};

std::optional<Found> spendable_coin(World& world, int number) {
    const crypto::PublicKey owner = crypto::public_key(world.key(number));
    const node::Mempool& pool = world.node(number).mempool();
    return world.ledger(number, [&](const consensus::Ledger& ledger) -> std::optional<Found> {
        for (const auto& [outpoint, coin] : ledger.coins().all()) {
            if (coin.output.key != owner || pool.spends(outpoint)) continue;
            const std::uint32_t age = ledger.height() + 1 - coin.height;
            if (coin.coinbase && age < world.network().coinbase_maturity) continue;
            return Found{outpoint, coin.output};
        }
        return std::nullopt;
    });
}

}  // namespace

std::optional<chain::Payment> make_payment(World& world, int from, const crypto::PublicKey& to,
                                           std::uint64_t amount, std::uint64_t fee) {
    const auto coin = spendable_coin(world, from);
    if (!coin || coin->output.amount <= fee + 1) return std::nullopt;
    const std::uint64_t paid = std::min(amount, coin->output.amount - fee);
    const std::uint64_t change = coin->output.amount - fee - paid;
    chain::Payment payment;
    payment.inputs = {coin->outpoint};
    payment.outputs = {{paid, chain::OutputKind::kKey, to}};
    if (change > 0)
        payment.outputs.push_back(
            {change, chain::OutputKind::kKey, crypto::public_key(world.key(from))});
    const Hash256 genesis = world.node(from).chain().genesis_id();
    payment.signatures = {crypto::sign(world.key(from),
                                       chain::signature_hash(genesis, payment, {&coin->output, 1}),
                                       world.random())};
    return payment;
}

}  // namespace cairn::sim
