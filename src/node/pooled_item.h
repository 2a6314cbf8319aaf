// A payment, commitment or contribution as it came or was made here: its name, its canonical bytes
// and what they say, made once and never changed. The pool, the miner's template and the peers that
// ask for it share this one object, so nothing is encoded or copied again on its way. (A
// contribution's payload is in it twice, in the bytes and decoded.)
#pragma once

#include <memory>
#include <variant>

#include "chain/commitment.h"
#include "chain/contribution.h"
#include "chain/payment.h"
#include "node/messages.h"

namespace cairn::node {

struct Item {
    ItemKind kind = ItemKind::kPayment;
    Hash256 id;  ///< payment id, or commitment id
    auto operator<=>(const Item&) const = default;
};

struct PooledItem {
    Item name;
    Bytes bytes;
    std::variant<chain::Payment, chain::Commitment, chain::Contribution> value;

    /// CHECKs that it is one.
    const chain::Payment& payment() const;
    const chain::Commitment& commitment() const;
    const chain::Contribution& contribution() const;
};

using ItemPtr = std::shared_ptr<const PooledItem>;

ItemPtr make_item(chain::Payment payment);
ItemPtr make_item(chain::Commitment commitment);
ItemPtr make_item(chain::Contribution contribution);
/// What a peer sent.
Result<ItemPtr> read_item(ItemKind kind, ByteView bytes);

}  // namespace cairn::node
