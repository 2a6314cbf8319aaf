// CONSENSUS: changing a result here splits the network.
#include "consensus/state_root.h"

#include "base/encoding.h"
#include "crypto/hash.h"

namespace cairn::consensus {

Hash256 state_root(const Hash256& model_root, const Hash256& coins_root,
                   const Hash256& rules_root) {
    static const crypto::TaggedHasher hasher("cairn/state-root");
    Writer writer;
    writer.fixed(model_root);
    writer.fixed(coins_root);
    writer.fixed(rules_root);
    return hasher(writer.out());
}

}  // namespace cairn::consensus
