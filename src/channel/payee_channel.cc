#include "channel/payee_channel.h"

#include <algorithm>

#include "base/check.h"

namespace cairn::channel {
namespace {

using chain::amount_text;

Error refused(std::string message) { return {ErrorCode::kRefused, std::move(message)}; }

}  // namespace

PayeeChannel::PayeeChannel(RecordStore& store, Record record)
    : store_(&store), record_(std::move(record)), delivered_(record_.counted) {
    CHECK(record_.role == Role::kPayee);
}

std::uint64_t PayeeChannel::limit_at(std::uint64_t paid) const {
    return std::min(add_up(paid, price_at_risk(per_token_)), record_.terms.capacity);
}

std::uint64_t PayeeChannel::credit() const {
    const std::uint64_t most = limit_at(record_.paid);
    return most > delivered_ ? most - delivered_ : 0;
}

Status PayeeChannel::check_not_closing() const {
    if (!record_.closing) return ok_status();
    return refused("the channel is being closed: another one is needed");
}

Status PayeeChannel::reserve(std::uint64_t price) {
    RETURN_IF_ERROR(check_not_closing());
    const std::uint64_t most = delivered_ + std::min(price, credit());
    if (most <= record_.counted) return ok_status();
    Record next = record_;
    next.counted = most;
    ASSIGN_OR_RETURN(record_, store_->put(next));
    return check_not_closing();
}

Status PayeeChannel::deliver(std::uint64_t price) {
    RETURN_IF_ERROR(check_not_closing());
    const std::uint64_t then = add_up(delivered_, price);
    if (then > record_.terms.capacity)
        return Error{ErrorCode::kFull, "the channel holds " + amount_text(record_.terms.capacity) +
                                           " coins, which is less than this would bring it to"};
    const std::uint64_t most = limit_at(record_.paid);
    if (then > most)
        return refused("more than the price of " + std::to_string(kTokensAtRisk) +
                       " tokens would be unpaid: a voucher for " +
                       amount_text(record_.paid + (then - most)) + " or more is needed");
    if (then > record_.counted) RETURN_IF_ERROR(reserve(credit()));
    delivered_ = then;
    return ok_status();
}

Result<std::uint64_t> PayeeChannel::accept(const chain::Voucher& voucher, std::uint32_t height,
                                           const Policy& policy) {
    const Terms& terms = record_.terms;
    if (voucher.genesis_id != record_.genesis_id)
        return refused("the voucher is of another network");
    if (voucher.channel != terms.outpoint)
        return refused("the voucher is of channel " + short_hex(voucher.channel.id) + ":" +
                       std::to_string(voucher.channel.index) + ", not of " +
                       short_hex(terms.outpoint.id) + ":" + std::to_string(terms.outpoint.index));
    if (voucher.amount > terms.capacity)
        return refused("the voucher is for " + amount_text(voucher.amount) +
                       ", and the channel holds only " + amount_text(terms.capacity));
    if (voucher.amount < record_.paid)
        return refused("the voucher is for " + amount_text(voucher.amount) +
                       ", and there is a later one for " + amount_text(record_.paid));
    RETURN_IF_ERROR(check_not_closing());
    if (height >= last_call(terms.expiry, policy))
        return refused("no voucher is taken any more: the channel expires at height " +
                       std::to_string(terms.expiry));
    if (!crypto::verify(terms.payer,
                        chain::voucher_hash(record_.genesis_id, terms.outpoint, voucher.amount),
                        voucher.signature))
        return refused("the voucher is not signed by the channel's payer");
    if (voucher.amount == record_.paid) return std::uint64_t{0};
    Record next = record_;
    next.paid = voucher.amount;
    next.signature = voucher.signature;
    // With what is paid ahead, so that a session of one who pays ahead needs one write for each.
    const bool serves = per_token_ > 0;
    if (serves) next.counted = std::max(record_.counted, next.paid);
    const std::uint64_t before = record_.paid;
    ASSIGN_OR_RETURN(record_, store_->put(next, serves ? RecordStore::Count::kOurs
                                                       : RecordStore::Count::kTheirs));
    // Whoever closes meanwhile has signed for the voucher before this one, which alone will be
    // paid.
    RETURN_IF_ERROR(check_not_closing());
    return record_.paid - before;
}

Result<Record> PayeeChannel::begin_closing() {
    Record next = record_;
    next.closing = true;
    ASSIGN_OR_RETURN(record_, store_->put(next, RecordStore::Count::kTheirs));
    return record_;
}

Status PayeeChannel::end_session() {
    if (record_.counted == delivered_) return ok_status();
    Record next = record_;
    next.counted = delivered_;
    ASSIGN_OR_RETURN(record_, store_->put(next));
    return ok_status();
}

}  // namespace cairn::channel
