// CONSENSUS: changing a result here splits the network.
#include "consensus/commitment_rules.h"

#include "base/check.h"
#include "chain/target.h"

namespace cairn::consensus {

std::uint32_t round_first_target(const chain::NetworkDefinition& network, const RulesState& rules,
                                 const HeaderContext& context) {
    return network.is_first_of_round(context.height) ? expected_target(network, context)
                                                     : rules.round_first_target();
}

chain::U256 share_target(const chain::NetworkDefinition& network, std::uint32_t first_target) {
    const Result<chain::U256> target = chain::target_from_compact(first_target);
    CHECK(target.ok());
    return target->saturating_multiply(network.share_factor);
}

Verdict check_stamp(const chain::NetworkDefinition& network, std::uint32_t first_target,
                    const Hash256& stamp) {
    if (chain::meets_target(stamp, share_target(network, first_target))) return Verdict::valid();
    return Verdict::invalid(Rule::kC4, "commitment's stamp does not meet the share target");
}

Verdict check_commitment(const chain::NetworkDefinition& network, const Hash256& genesis_id,
                         const RulesState& rules, const chain::Commitment& commitment,
                         std::uint32_t height, std::uint32_t first_target, Work work) {
    if (network.is_merge_height(height))
        return Verdict::invalid(Rule::kC2, "commitments are not allowed at merge heights");
    const std::uint32_t round = network.round_of(height);
    if (commitment.round != round)
        return Verdict::invalid(Rule::kC4, "commitment is for round " +
                                               std::to_string(commitment.round) +
                                               ", this is round " + std::to_string(round));
    if (!network.is_member(commitment.key))
        return Verdict::invalid(Rule::kC4, "contributor is no member of this private network");
    if (rules.has_commitment_of(commitment.key))
        return Verdict::invalid(Rule::kC4, "this key has a commitment in this round already");
    if (!crypto::verify(commitment.key, chain::signature_hash(genesis_id, commitment),
                        commitment.signature))
        return Verdict::invalid(Rule::kC4, "commitment's signature is not by its key");
    // Last: with Argon2id it costs more than all before it.
    if (work == Work::kKnown) return Verdict::valid();
    return check_stamp(network, first_target,
                       chain::stamp_hash(network.work, genesis_id, commitment));
}

}  // namespace cairn::consensus
