#include "node/payment_pool.h"

#include "base/check.h"
#include "base/int128.h"

namespace cairn::node {

bool PaymentPool::Priced::operator<(const Priced& other) const {
    if (chain::higher_fee_rate(other.fee, other.bytes, fee, bytes)) return true;
    if (chain::higher_fee_rate(fee, bytes, other.fee, other.bytes)) return false;
    return id < other.id;
}

PaymentPool::Priced PaymentPool::priced(const Entry& entry) {
    return {entry.fee, entry.item->bytes, entry.item->name.id};
}

std::set<Hash256> PaymentPool::conflicts_of(const chain::Payment& payment) const {
    std::set<Hash256> others;
    for (const chain::OutPoint& input : payment.inputs)
        if (const auto found = spent_.find(input); found != spent_.end())
            others.insert(found->second);
    return others;
}

std::string PaymentPool::why_not_replace(const std::set<Hash256>& others, const Priced& by) const {
    Uint128 needed = Uint128{limits_.min_fee_rate} * by.bytes;
    for (const Hash256& id : others) {
        const Priced other = priced(payments_.at(id));
        if (!chain::higher_fee_rate(by.fee, by.bytes, other.fee, other.bytes))
            return "another payment in the pool spends the same coin and pays as much for each "
                   "byte";
        needed += other.fee;
    }
    if (!others.empty() && by.fee < needed)
        return "another payment in the pool spends the same coin; to replace it, a fee of " +
               chain::amount_text(static_cast<std::uint64_t>(needed)) + " is needed";
    return {};
}

bool PaymentPool::make_room(const Priced& newcomer, const std::set<Hash256>& replaced,
                            std::vector<Hash256>& evicted) const {
    std::size_t count = payments_.size() - replaced.size() + 1;
    std::size_t bytes = bytes_ + newcomer.bytes;
    for (const Hash256& id : replaced) bytes -= payments_.at(id).item->bytes;
    for (auto at = order_.begin(); count > limits_.max_payments || bytes > limits_.max_bytes;
         ++at) {
        if (at == order_.end()) return false;
        if (replaced.contains(at->id)) continue;
        if (!chain::higher_fee_rate(newcomer.fee, newcomer.bytes, at->fee, at->bytes)) return false;
        evicted.push_back(at->id);
        --count;
        bytes -= at->bytes;
    }
    return true;
}

PaymentPool::Room PaymentPool::room_for(const Entry& entry) const {
    const Priced newcomer = priced(entry);
    if (chain::higher_fee_rate(limits_.min_fee_rate, 1, entry.fee, newcomer.bytes))
        return {"its fee is too low: this node takes " +
                chain::amount_text(limits_.min_fee_rate * newcomer.bytes) +
                " or more for a payment of " + std::to_string(newcomer.bytes) + " bytes"};
    Room room;
    room.replaced = conflicts_of(entry.item->payment());
    room.why_not = why_not_replace(room.replaced, newcomer);
    if (room.why_not.empty() && !make_room(newcomer, room.replaced, room.evicted))
        room.why_not =
            "the pool is full of payments that pay more for each byte; raise the fee or try again "
            "after a block";
    return room;
}

std::string PaymentPool::why_not(const ItemPtr& item, std::uint64_t fee) const {
    return room_for({item, fee}).why_not;
}

std::string PaymentPool::add(const ItemPtr& item, std::uint64_t fee) {
    const Hash256& id = item->name.id;
    CHECK(!payments_.contains(id));
    const Entry entry{item, fee};
    const Room room = room_for(entry);
    if (!room.why_not.empty()) return room.why_not;
    for (const Hash256& other : room.replaced) remove(other);
    for (const Hash256& other : room.evicted) remove(other);
    for (const chain::OutPoint& input : item->payment().inputs) spent_[input] = id;
    payments_.emplace(id, entry);
    order_.insert(priced(entry));
    bytes_ += item->bytes;
    return {};
}

void PaymentPool::remove(const Hash256& id) {
    const auto found = payments_.find(id);
    if (found == payments_.end()) return;
    for (const chain::OutPoint& input : found->second.item->payment().inputs) spent_.erase(input);
    bytes_ -= found->second.item->bytes;
    order_.erase(priced(found->second));
    payments_.erase(found);
}

void PaymentPool::remove_spender(const chain::OutPoint& coin) {
    const auto found = spent_.find(coin);
    if (found != spent_.end()) remove(Hash256(found->second));
}

ItemPtr PaymentPool::find(const Hash256& id) const {
    const auto found = payments_.find(id);
    return found == payments_.end() ? nullptr : found->second.item;
}

std::uint64_t PaymentPool::fee_of(const Hash256& id) const {
    const auto found = payments_.find(id);
    return found == payments_.end() ? 0 : found->second.fee;
}

std::vector<ItemPtr> PaymentPool::by_fee_rate() const {
    std::vector<ItemPtr> items;
    items.reserve(order_.size());
    for (auto at = order_.rbegin(); at != order_.rend(); ++at)
        items.push_back(payments_.at(at->id).item);
    return items;
}

std::uint64_t PaymentPool::fee_rate_within(std::size_t payments, std::size_t bytes) const {
    std::size_t taken = 0;
    for (auto at = order_.rbegin(); at != order_.rend(); ++at) {
        taken += at->bytes;
        if (--payments == 0 || taken > bytes) return at->fee / at->bytes + 1;
    }
    return limits_.min_fee_rate;
}

}  // namespace cairn::node
