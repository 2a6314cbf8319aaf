// What the chain shows to those who have no node (the room proof): made beside the loop, from the
// store.
#include "node/node.h"

namespace cairn::node {

void Node::prove(const proof::Question& question, Callback<Bytes> answer) {
    offload(
        seams_.loop, Lane::kRead,
        [&store = store_, network = config_.network, genesis = chain_.genesis_header(),
         question]() -> Result<Bytes> {
            ASSIGN_OR_RETURN(const proof::Inclusion inclusion,
                             proof::prove(store, network, genesis, question));
            return proof::encode(inclusion);
        },
        alive_.guard(std::move(answer)));
}

void Node::trace_coin(const chain::OutPoint& coin, std::size_t max_steps, std::uint64_t max_bytes,
                      Callback<proof::CoinTrace> answer) {
    offload(
        seams_.loop, Lane::kRead,
        [&store = store_, genesis_id = chain_.genesis_id(), coin, max_steps, max_bytes] {
            return proof::trace_coin(store, genesis_id, coin, max_steps, max_bytes);
        },
        alive_.guard(std::move(answer)));
}

}  // namespace cairn::node
