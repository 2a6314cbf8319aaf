#include "channel/payer_channel.h"

#include <algorithm>

#include "base/check.h"

namespace cairn::channel {
PayerChannel::PayerChannel(RecordStore& store, Record record, crypto::SecretKey secret,
                           Random& random)
    : store_(&store), record_(std::move(record)), secret_(secret), random_(&random) {
    CHECK(record_.role == Role::kPayer);
    CHECK(crypto::public_key(secret_) == record_.terms.payer);
    kept_ = record_.counted;
}

std::uint64_t PayerChannel::unpaid() const {
    return record_.counted > record_.paid ? record_.counted - record_.paid : 0;
}

void PayerChannel::received(std::uint64_t price) {
    record_.counted = add_up(record_.counted, price);
}

bool PayerChannel::is_due() const {
    return unpaid() > 0 && add_up(unpaid(), per_token_) > price_at_risk(per_token_);
}

Result<chain::Voucher> PayerChannel::pay(std::uint64_t ahead) {
    if (ahead > price_at_risk(per_token_))
        return Error{ErrorCode::kRefused, "a payee asks for " + chain::amount_text(ahead) +
                                              " ahead of what he gave; more than the price of " +
                                              std::to_string(kTokensAtRisk) +
                                              " tokens is not paid ahead"};
    if (left() == 0) return Error{ErrorCode::kFull, "the channel is used up"};
    const std::uint64_t amount = std::min(add_up(record_.counted, ahead), record_.terms.capacity);
    ASSIGN_OR_RETURN(const chain::Voucher voucher,
                     sign_voucher(*store_, record_, secret_, amount, *random_));
    kept_ = record_.counted;
    return voucher;
}

Status PayerChannel::end_session() {
    if (record_.counted == kept_) return ok_status();
    ASSIGN_OR_RETURN(record_, store_->put(record_));
    kept_ = record_.counted;
    return ok_status();
}

Result<chain::Voucher> sign_voucher(RecordStore& store, Record& record,
                                    const crypto::SecretKey& secret, std::uint64_t amount,
                                    Random& random) {
    CHECK(record.role == Role::kPayer);
    if (amount <= record.paid)
        return invalid("a voucher for " + chain::amount_text(record.paid) +
                       " was given already: one for " + chain::amount_text(amount) +
                       " adds nothing");
    if (amount > record.terms.capacity)
        return invalid("the channel holds " + chain::amount_text(record.terms.capacity) +
                       " coins, and a voucher for " + chain::amount_text(amount) +
                       " would be worth nothing");
    Record next = record;
    next.paid = amount;
    next.signature = crypto::sign(
        secret, chain::voucher_hash(record.genesis_id, record.terms.outpoint, amount), random);
    ASSIGN_OR_RETURN(record, store.put(next));
    return voucher_of(record);
}

}  // namespace cairn::channel
