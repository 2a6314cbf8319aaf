#include "node/pooled_item.h"

#include "base/check.h"

namespace cairn::node {
namespace {

template <typename T>
const T& value_of(const PooledItem& item) {
    const T* value = std::get_if<T>(&item.value);
    CHECK(value != nullptr);
    return *value;
}

Item name_of(const chain::Payment& payment) {
    return {ItemKind::kPayment, chain::payment_id(payment)};
}
Item name_of(const chain::Commitment& commitment) {
    return {ItemKind::kCommitment, chain::commitment_id(commitment)};
}
Item name_of(const chain::Contribution& contribution) {
    return {ItemKind::kContribution, contribution.commitment_id};
}

template <typename T>
ItemPtr made_of(std::size_t bytes, T value) {
    const Item name = name_of(value);
    return std::make_shared<const PooledItem>(PooledItem{name, bytes, std::move(value)});
}

template <typename T>
Result<ItemPtr> read_as(ByteView bytes, Result<T> value) {
    if (!value.ok()) return value.error();
    return made_of(bytes.size(), *std::move(value));
}

}  // namespace

const chain::Payment& PooledItem::payment() const { return value_of<chain::Payment>(*this); }
const chain::Commitment& PooledItem::commitment() const {
    return value_of<chain::Commitment>(*this);
}
const chain::Contribution& PooledItem::contribution() const {
    return value_of<chain::Contribution>(*this);
}

Bytes PooledItem::encoded() const {
    return std::visit([](const auto& object) { return chain::encode(object); }, value);
}

ItemPtr make_item(chain::Payment payment) {
    const std::size_t bytes = chain::encode(payment).size();
    return made_of(bytes, std::move(payment));
}

ItemPtr make_item(chain::Commitment commitment) {
    const std::size_t bytes = chain::encode(commitment).size();
    return made_of(bytes, std::move(commitment));
}

ItemPtr make_item(chain::Contribution contribution) {
    const std::size_t bytes = chain::encode(contribution).size();
    return made_of(bytes, std::move(contribution));
}

Result<ItemPtr> read_item(ItemKind kind, ByteView bytes) {
    switch (kind) {
        case ItemKind::kPayment:
            return read_as(bytes, chain::decode_payment(bytes));
        case ItemKind::kCommitment:
            return read_as(bytes, chain::decode_commitment(bytes));
        case ItemKind::kContribution:
            break;
    }
    return read_as(bytes, chain::decode_contribution(bytes));
}

}  // namespace cairn::node
