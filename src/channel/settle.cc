#include "channel/settle.h"

#include <algorithm>

#include "base/check.h"

namespace cairn::channel {
namespace {

using chain::amount_text;

Error refused(std::string message) { return {ErrorCode::kRefused, std::move(message)}; }

void sign_last(chain::Payment& payment, const Record& record, const crypto::SecretKey& secret,
               Random& random) {
    const chain::Output spent = output_of(record.terms);
    payment.signatures.push_back(crypto::sign(
        secret, chain::signature_hash(record.genesis_id, payment, {&spent, 1}), random));
}

}  // namespace

Due due(const Record& record, std::uint32_t next, const Policy& policy) {
    // A block later than it could be: to peers that are a block behind it would be too early, and
    // they would not ask for it again.
    if (record.role == Role::kPayer)
        return next > record.terms.expiry ? Due::kRefund : Due::kNothing;
    const bool expired = next >= record.terms.expiry;
    const bool last = next >= last_call(record.terms.expiry, policy);
    return record.paid > 0 && last && !expired ? Due::kClose : Due::kNothing;
}

std::size_t settling_bytes(const Record& record) {
    if (record.role == Role::kPayer) return chain::payment_bytes(1, 1);
    const std::size_t outputs = record.paid < record.terms.capacity ? 2 : 1;
    return chain::payment_bytes(1, outputs) + 64;  // the voucher besides
}

std::uint64_t closing_rate(const Record& record, std::uint64_t rate, std::uint32_t next,
                           const Policy& policy) {
    const std::uint32_t begin = last_call(record.terms.expiry, policy);
    const std::uint32_t step = std::max(1U, policy.closing_blocks / 8);
    const std::uint32_t doubled = next > begin ? (next - begin) / step : 0;
    const bool hurries = next > begin && next - begin > policy.closing_blocks / 2;
    const std::uint64_t most = record.paid / (hurries ? 2 : 10) / settling_bytes(record);
    for (std::uint32_t i = 0; i < doubled && rate < most; ++i) rate *= 2;
    return std::max<std::uint64_t>(1, std::min(rate, most));
}

std::uint64_t refund_rate(const Record& record, std::uint64_t rate) {
    const std::uint64_t most = record.terms.capacity / 20 / settling_bytes(record);
    return std::max<std::uint64_t>(1, std::min(rate, most));
}

Status check_close_pays(const Record& record, std::uint64_t fee) {
    if (record.paid == 0)
        return refused("no voucher has come for this channel: nothing to close with");
    if (fee < record.paid) return ok_status();
    return refused("the voucher is for " + amount_text(record.paid) +
                   ", which is no more than the fee of " + amount_text(fee));
}

Result<chain::Payment> close_payment(const Record& record, const crypto::SecretKey& payee,
                                     std::uint64_t fee, Random& random) {
    CHECK(record.role == Role::kPayee);
    RETURN_IF_ERROR(check_close_pays(record, fee));
    chain::Payment payment;
    payment.form = chain::PaymentForm::kClose;
    payment.inputs = {record.terms.outpoint};
    payment.outputs = {{record.paid - fee, chain::OutputKind::kKey, record.terms.payee}};
    if (record.paid < record.terms.capacity)
        payment.outputs.push_back(
            {record.terms.capacity - record.paid, chain::OutputKind::kKey, record.terms.payer});
    payment.signatures = {record.signature};
    sign_last(payment, record, payee, random);
    return payment;
}

Status check_refund_pays(const Record& record, std::uint64_t fee) {
    if (fee < record.terms.capacity) return ok_status();
    return refused("the channel holds " + amount_text(record.terms.capacity) +
                   ", which is no more than the fee of " + amount_text(fee));
}

Result<chain::Payment> refund_payment(const Record& record, const crypto::SecretKey& payer,
                                      std::uint64_t fee, Random& random) {
    CHECK(record.role == Role::kPayer);
    RETURN_IF_ERROR(check_refund_pays(record, fee));
    chain::Payment payment;
    payment.inputs = {record.terms.outpoint};
    payment.outputs = {{record.terms.capacity - fee, chain::OutputKind::kKey, record.terms.payer}};
    sign_last(payment, record, payer, random);
    return payment;
}

}  // namespace cairn::channel
