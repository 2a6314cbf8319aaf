// CONSENSUS: changing a result here splits the network.
#include "chain/body_tree.h"

#include "crypto/hash.h"

namespace cairn::chain {
namespace {

Hash256 leaf(const Hash256& id, const Hash256& witness) {
    static const crypto::TaggedHasher hasher("cairn/body-leaf");
    return hasher(id.view(), witness.view());
}

template <typename T>
std::vector<Hash256> leaves_of(const std::vector<T>& items) {
    std::vector<Hash256> leaves;
    leaves.reserve(items.size());
    for (const T& item : items) leaves.push_back(body_leaf(item));
    return leaves;
}

}  // namespace

Hash256 body_leaf(const Coinbase& coinbase) { return coinbase_id(coinbase); }

Hash256 body_leaf(const Payment& payment) {
    return leaf(payment_id(payment), witness_hash(payment));
}

Hash256 body_leaf(const Commitment& commitment) {
    return leaf(commitment_id(commitment), crypto::sha256(commitment.signature.view()));
}

Hash256 body_leaf(const Contribution& contribution) {
    return contribution_leaf(contribution.commitment_id, payload_hash(contribution.payload),
                             contribution.signature);
}

std::array<std::vector<Hash256>, kBodyLists> body_leaves(const Block& block) {
    return {std::vector{body_leaf(block.coinbase)}, leaves_of(block.payments),
            leaves_of(block.commitments), leaves_of(block.contributions)};
}

Hash256 root_of_lists(const std::array<Hash256, kBodyLists>& roots) {
    static const crypto::TaggedHasher hasher("cairn/body-root");
    Writer writer;
    for (const Hash256& root : roots) writer.fixed(root);
    return hasher(writer.out());
}

}  // namespace cairn::chain
