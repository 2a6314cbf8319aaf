// CONSENSUS: changing a result here splits the network.
#include "consensus/issuance.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/check.h"
#include "base/int128.h"

namespace cairn::consensus {
namespace {

/// What one earns that counts whole: floor(unit * part / w_ref). 48 + 63 bits: no overflow.
std::uint64_t earned_whole(std::uint64_t unit, std::uint64_t part, std::uint64_t worth_reference) {
    return part == 0
               ? 0
               : static_cast<std::uint64_t>(static_cast<Uint128>(unit) * part / worth_reference);
}

/// As much of it as this one counts, and less where more than R_pay earn: floor(whole * weight *
/// R_pay / max(earning, 2^16 R_pay)), weights over 2^16.
std::uint64_t counted(std::uint64_t whole, std::uint32_t weight, std::uint64_t earning,
                      std::uint64_t paid_count) {
    const Uint128 numerator = static_cast<Uint128>(whole) * weight * paid_count;
    return static_cast<std::uint64_t>(numerator / std::max(earning, paid_count << 16));
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
    std::uint64_t earning = 0;  // weights: those that earn nothing do not dilute the others' pay
    for (const PaidContribution& paid : contributions) {
        if (paid_part(paid.weighed.worth, worth_reference) == 0) continue;
        earners.insert(paid.key);
        earning += paid.weighed.weight;
    }
    std::map<crypto::PublicKey, std::uint64_t> amounts;
    Pay pay;
    const std::uint64_t unit = unit_at(network, network.round_of(height));
    for (const PaidContribution& paid : contributions) {
        const std::uint64_t part = paid_part(paid.weighed.worth, worth_reference);
        const std::uint64_t amount =
            counted(earned_whole(unit, part, worth_reference), paid.weighed.weight, earning,
                    network.paid_contributions);
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
