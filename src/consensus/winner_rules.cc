// CONSENSUS: changing a result here splits the network.
#include "consensus/winner_rules.h"

#include "base/check.h"
#include "consensus/contribution_rules.h"
#include "consensus/exact_dot.h"

namespace cairn::consensus {

chain::Commitment block_commitment(const chain::NetworkDefinition& network,
                                   const WinnerPlace& place, ByteView payload) {
    CHECK(network.one_winner());
    chain::Commitment commitment;
    commitment.round = network.round_of(place.height);
    commitment.start = place.parent;
    commitment.key = place.miner;
    commitment.payload_commitment = chain::payload_commitment(place.miner, payload);
    return commitment;
}

chain::Contribution winner_contribution(const chain::NetworkDefinition& network,
                                        const Hash256& genesis_id, const WinnerPlace& place,
                                        Bytes payload, const crypto::SecretKey& secret,
                                        Random& random) {
    chain::Contribution contribution;
    contribution.commitment_id = chain::commitment_id(block_commitment(network, place, payload));
    contribution.payload = std::move(payload);
    contribution.signature =
        crypto::sign(secret, chain::signature_hash(genesis_id, contribution), random);
    return contribution;
}

Verdict check_winner(const chain::NetworkDefinition& network, const Hash256& genesis_id,
                     const Rules& rules, const RulesState& state, const ModelSeam& model,
                     const WinnerPlace& place, const chain::Contribution& contribution, Won& won) {
    won.commitment = block_commitment(network, place, contribution.payload);
    won.payload_hash = chain::payload_hash(contribution.payload);
    if (contribution.commitment_id != chain::commitment_id(won.commitment))
        return Verdict::invalid(Rule::kC5,
                                "it was not made by this block's miner for this block's place");
    RETURN_UNLESS_VALID(check_promise(network, genesis_id, won.commitment, contribution));
    RETURN_UNLESS_VALID(check_not_merged(state, contribution));
    const Hash256 seed = chain::codec_seed(genesis_id, won.commitment.round, place.miner);
    Result<Delta> delta = model.decode(contribution.payload, seed);
    if (!delta.ok())
        return delta.error().code == ErrorCode::kInvalid
                   ? Verdict::invalid(Rule::kC5,
                                      "its payload does not decode: " + delta.error().message)
                   : Verdict::undecided(delta.error().message);
    CHECK(delta->size() == model.parameter_count());
    won.delta = *std::move(delta);
    won.norm = norm(won.delta);
    return check_norm(rules, won.norm, state.mean_norm(network));
}

PaidContribution paid_winner(const Won& won) {
    return {won.commitment.key, won.commitment.key, kWinnersWorth};
}

RoundRecord record_of(const Won& won) {
    return {won.commitment.round, {won.payload_hash}, won.norm, kWinnersWorth.worth};
}

}  // namespace cairn::consensus
