// CONSENSUS: changing a result here splits the network.
#include "consensus/issuance.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/check.h"
#include "base/int128.h"
#include "consensus/worth_rules.h"

namespace cairn::consensus {
namespace {

/// floor(unit * part / w_ref * min(1, R_pay / count)), in one division. At most 48 + 10 + 63 bits:
/// no overflow.
std::uint64_t earned(std::uint64_t unit, std::uint64_t part, std::uint64_t worth_reference,
                     std::uint64_t count, std::uint64_t paid_count) {
    if (part == 0) return 0;
    const Uint128 numerator = static_cast<Uint128>(unit) * std::min(count, paid_count) * part;
    const Uint128 denominator = static_cast<Uint128>(worth_reference) * count;
    return static_cast<std::uint64_t>(numerator / denominator);
}

}  // namespace

std::uint64_t unit_at(const chain::NetworkDefinition& network, std::uint32_t round) {
    const std::uint32_t halvings = round / network.halving_rounds;
    return halvings < 64 ? network.subsidy_unit >> halvings : 0;
}

Pay compute_pay(const chain::NetworkDefinition& network, std::uint32_t height,
                const crypto::PublicKey& miner, std::uint64_t fees,
                std::span<const PaidContribution> contributions, std::uint64_t worth_reference) {
    std::set<crypto::PublicKey> earners;
    std::uint64_t earning = 0;  // those that earn nothing do not dilute the others' pay
    for (const PaidContribution& paid : contributions) {
        if (paid_part(paid.worth, worth_reference) == 0) continue;
        earners.insert(paid.key);
        ++earning;
    }
    std::map<crypto::PublicKey, std::uint64_t> amounts;
    Pay pay;
    const std::uint64_t unit = unit_at(network, network.round_of(height));
    for (const PaidContribution& paid : contributions) {
        const std::uint64_t amount = earned(unit, paid_part(paid.worth, worth_reference),
                                            worth_reference, earning, network.paid_contributions);
        const auto carriers =
            static_cast<std::uint64_t>(static_cast<Uint128>(amount) * network.carry_share >> 16);
        const std::uint64_t half = carriers / 2;
        const std::uint64_t own = amount - carriers;
        amounts[paid.key] += own;
        pay.rewards.push_back(own);
        pay.minted += own;
        for (const crypto::PublicKey& carrier : {paid.carrier_miner, miner}) {
            if (!earners.contains(carrier)) continue;
            amounts[carrier] += half;
            pay.minted += half;
        }
    }
    amounts[miner] += fees;
    for (const auto& [key, amount] : amounts) {
        if (amount > 0) pay.outputs.push_back({amount, chain::OutputKind::kKey, key});
    }
    return pay;
}

}  // namespace cairn::consensus
