// CONSENSUS: changing a result here splits the network.
#include "consensus/work.h"

#include "chain/target.h"

namespace cairn::consensus {

using chain::U256;

U256 block_work(std::uint32_t compact_target) {
    const Result<U256> target = chain::target_from_compact(compact_target);
    if (!target.ok()) return U256{};
    // 2^256 / (t + 1) = (2^256 - 1 - t) / (t + 1) + 1, which needs no 257th bit. A compact target
    // is never 2^256 - 1, so t + 1 does not overflow.
    return target->inverted().divided_by(target->saturating_add(U256(1))).saturating_add(U256(1));
}

ChainWork add_work(const ChainWork& before, std::uint32_t compact_target) {
    return U256::from_big_endian(before).saturating_add(block_work(compact_target)).big_endian();
}

}  // namespace cairn::consensus
