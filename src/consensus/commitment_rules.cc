// CONSENSUS: changing a result here splits the network.
#include "consensus/commitment_rules.h"

#include <algorithm>

#include "base/check.h"
#include "chain/block.h"
#include "chain/target.h"

namespace cairn::consensus {

RoundStart round_start(const chain::NetworkDefinition& network, const RulesState& rules,
                       const HeaderContext& context) {
    if (!network.is_first_of_round(context.height))
        return {rules.round_start(), rules.round_first_target(), rules.stamp_factor()};
    return {chain::block_hash(context.parent), expected_target(network, context),
            rules.stamp_factor()};
}

chain::U256 share_target(const RoundStart& start) {
    const Result<chain::U256> target = chain::target_from_compact(start.target);
    CHECK(target.ok());
    return target->saturating_multiply(start.factor);
}

std::uint32_t next_stamp_factor(const chain::NetworkDefinition& network, std::uint32_t factor,
                                std::uint64_t commitments) {
    const std::uint64_t wanted = network.paid_contributions;
    if (commitments <= wanted) return std::min(network.share_factor, factor + factor / 4 + 1);
    const std::uint64_t less = factor * wanted / commitments;
    return static_cast<std::uint32_t>(
        std::max({less, std::uint64_t{factor / 4}, std::uint64_t{1}}));
}

Verdict check_stamp(const RoundStart& start, const Hash256& stamp) {
    if (chain::meets_target(stamp, share_target(start))) return Verdict::valid();
    return Verdict::invalid(Rule::kC4, "commitment's stamp does not meet the share target");
}

Verdict check_commitment_here(const chain::NetworkDefinition& network, const RulesState& rules,
                              const chain::Commitment& commitment, std::uint32_t height,
                              const RoundStart& start) {
    if (network.is_merge_height(height))
        return Verdict::invalid(Rule::kC2, "commitments are not allowed at merge heights");
    const std::uint32_t round = network.round_of(height);
    if (commitment.round != round)
        return Verdict::invalid(Rule::kC4, "commitment is for round " +
                                               std::to_string(commitment.round) +
                                               ", this is round " + std::to_string(round));
    if (commitment.start != start.block)
        return Verdict::invalid(Rule::kC4, "commitment names another block as its round's start");
    if (!network.is_member(commitment.key))
        return Verdict::invalid(Rule::kC4, "contributor is no member of this private network");
    if (rules.has_commitment_of(commitment.key))
        return Verdict::invalid(Rule::kC4, "this key has a commitment in this round already");
    return Verdict::valid();
}

Verdict check_commitment(const chain::NetworkDefinition& network, const Hash256& genesis_id,
                         const RulesState& rules, const chain::Commitment& commitment,
                         std::uint32_t height, const RoundStart& start, Work work) {
    RETURN_UNLESS_VALID(check_commitment_here(network, rules, commitment, height, start));
    if (!crypto::verify(commitment.key, chain::signature_hash(genesis_id, commitment),
                        commitment.signature))
        return Verdict::invalid(Rule::kC4, "commitment's signature is not by its key");
    // Last: with Argon2id it costs more than all before it.
    if (work == Work::kKnown) return Verdict::valid();
    return check_stamp(start, chain::stamp_hash(network.work, genesis_id, commitment));
}

}  // namespace cairn::consensus
