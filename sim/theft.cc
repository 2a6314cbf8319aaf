#include "sim/theft.h"

#include "chain/target.h"
#include "consensus/commitment_rules.h"

namespace cairn::sim {

chain::Commitment promise(World& world, int thief, std::uint32_t round, const Hash256& hash) {
    const auto& tip = *world.node(thief).chain().tip();
    const auto start = consensus::round_start(world.network(), tip.rules, tip.next);
    const auto target = consensus::share_target(start);
    const Hash256 genesis = world.node(thief).chain().genesis_id();
    chain::Commitment commitment;
    commitment.round = round;
    commitment.start = start.block;
    commitment.payload_commitment = hash;
    commitment.key = crypto::public_key(world.key(thief));
    while (
        !chain::meets_target(chain::stamp_hash(world.network().work, genesis, commitment), target))
        ++commitment.nonce;
    commitment.signature =
        crypto::sign(world.key(thief), chain::signature_hash(genesis, commitment), world.random());
    return commitment;
}

std::optional<Theft> steal(World& world, int thief) {
    const auto tip = [&] { return world.node(thief).chain().tip(); };
    const auto carried = [&] {
        return tip()->next.height % world.network().round_length == 2 &&
               !tip()->rules.open_commitments().empty();
    };
    if (!world.run_until(carried, 60'000)) return std::nullopt;
    const auto victim = tip()->rules.open_commitments().front();
    const auto own =
        promise(world, thief, victim.commitment.round, victim.commitment.payload_commitment);
    Theft theft;
    theft.own_commitment = chain::commitment_id(own);
    if (world.node(thief).submit(own).added != node::Mempool::Added::kNew) return std::nullopt;
    const auto& pool = world.node(thief).mempool().contributions();
    const auto ready = [&] {
        return pool.contains(victim.id) && tip()->rules.find(theft.own_commitment);
    };
    if (!world.run_until(ready, 10'000)) return std::nullopt;

    chain::Contribution stolen;
    stolen.commitment_id = theft.own_commitment;
    stolen.payload = pool.at(victim.id)->contribution().payload;
    stolen.signature = crypto::sign(
        world.key(thief), chain::signature_hash(world.node(thief).chain().genesis_id(), stolen),
        world.random());
    const Hash256 fresh = chain::payload_commitment(own.key, stolen.payload);
    const auto late = world.node(thief).submit(promise(world, thief, own.round, fresh));
    if (late.added == node::Mempool::Added::kRefused) theft.too_late = late.reason;
    const auto outcome = world.node(thief).submit(stolen);
    if (outcome.added == node::Mempool::Added::kRefused) theft.refused = outcome.reason;
    world.run_ms(1'000);
    return theft;
}

}  // namespace cairn::sim
