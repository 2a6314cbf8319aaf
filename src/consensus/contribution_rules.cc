// CONSENSUS: changing a result here splits the network.
#include "consensus/contribution_rules.h"

#include <limits>

namespace cairn::consensus {

Verdict check_promise(const chain::NetworkDefinition& network, const Hash256& genesis_id,
                      const chain::Commitment& commitment,
                      const chain::Contribution& contribution) {
    const crypto::PublicKey& key = commitment.key;
    if (contribution.payload.size() > network.max_payload_bytes)
        return Verdict::invalid(
            Rule::kC2,
            "its payload has more than " + std::to_string(network.max_payload_bytes) + " bytes");
    if (chain::payload_commitment(key, contribution.payload) != commitment.payload_commitment)
        return Verdict::invalid(Rule::kC5, "its payload is not the one that was committed to");
    if (!crypto::verify(key, chain::signature_hash(genesis_id, contribution),
                        contribution.signature))
        return Verdict::invalid(Rule::kC5, "its signature is not by the commitment's key");
    return Verdict::valid();
}

Verdict check_not_merged(const RulesState& rules, const chain::Contribution& contribution) {
    const RoundRecord* merged = rules.merged_in(chain::payload_hash(contribution.payload));
    if (merged == nullptr) return Verdict::valid();
    return Verdict::invalid(
        Rule::kC5, "it copies a payload that was merged in round " + std::to_string(merged->round));
}

Verdict check_contribution(const chain::NetworkDefinition& network, const Hash256& genesis_id,
                           const RulesState& rules, const chain::Contribution& contribution) {
    const OpenCommitment* open = rules.find(contribution.commitment_id);
    if (open == nullptr)
        return Verdict::invalid(Rule::kC5, "its commitment was not carried in this round");
    RETURN_UNLESS_VALID(check_promise(network, genesis_id, open->commitment, contribution));
    return check_not_merged(rules, contribution);
}

NormBand norm_band(const Rules& rules, std::uint64_t mean_norm) {
    constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
    const std::uint64_t divisor = rules.norm_least_divisor;
    const std::uint64_t factor = rules.norm_most_factor;
    return {.least = mean_norm / divisor + (mean_norm % divisor != 0 ? 1 : 0),
            .most = mean_norm > kMax / factor ? kMax : mean_norm * factor};
}

Verdict check_norm(const Rules& rules, std::uint64_t norm, std::uint64_t mean_norm) {
    const NormBand band = norm_band(rules, mean_norm);
    if (norm >= band.least && norm <= band.most) return Verdict::valid();
    return Verdict::invalid(
        Rule::kC5, "its norm of " + std::to_string(norm) + " is outside " +
                       std::to_string(band.least) + " to " + std::to_string(band.most) +
                       ", which the recent mean of " + std::to_string(mean_norm) + " allows");
}

}  // namespace cairn::consensus
