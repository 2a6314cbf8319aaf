// A payment, commitment or contribution as it came or was made here: its name and what it says,
// made once and never changed. The pool and the miner's template share this one object. Its bytes
// are canonical, so they are made again for a peer that asks, and a payload is in memory once.
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
    std::size_t bytes = 0;  ///< of its encoding
    std::variant<chain::Payment, chain::Commitment, chain::Contribution> value;

    /// As it travels.
    Bytes encoded() const;
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
