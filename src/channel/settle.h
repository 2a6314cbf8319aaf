// The end of a channel: when somebody must act, and the payments by which he does. The payee closes
// in time before the expiry, the payer takes back what is there from the expiry on.
#pragma once

#include <optional>

#include "base/random.h"
#include "channel/policy.h"

namespace cairn::channel {

enum class Due { kNothing, kClose, kRefund };

/// What the owner of a record should do in block `next`, as long as the channel is on the chain.
Due due(const Record& record, std::uint32_t next, const Policy& policy);

/// Bytes of the payment that ends a channel.
std::size_t settling_bytes(const Record& record);

/// What to pay for each byte of a close in block `next`: `rate`, which is what the next block asks
/// for, and from the last call on more and more, doubled every `closing_blocks` / 8 blocks, for who
/// can fill blocks at that rate could otherwise keep the close out until the expiry. At most a
/// tenth of what the voucher is over goes into the fee, and half of it once half of the time is
/// over.
std::uint64_t closing_rate(const Record& record, std::uint64_t rate, std::uint32_t next,
                           const Policy& policy);

/// The same of a refund, which can wait: whoever fills pools with high fees shall not make others
/// pay them. At most a twentieth of what the channel holds.
std::uint64_t refund_rate(const Record& record, std::uint64_t rate);

/// Whether a close with this fee leaves something for the payee: kRefused, with the figures, if
/// not.
Status check_close_pays(const Record& record, std::uint64_t fee);
/// The payment that closes a payee's channel with its best voucher: `fee` comes out of the payee's
/// part. Errors as check_close_pays.
Result<chain::Payment> close_payment(const Record& record, const crypto::SecretKey& payee,
                                     std::uint64_t fee, Random& random);
/// kRefused, with the figures, if a channel holds no more than the fee of taking it back.
Status check_refund_pays(const Record& record, std::uint64_t fee);
/// The payment that takes a payer's channel back from the expiry on, all but the fee. Errors as
/// check_refund_pays.
Result<chain::Payment> refund_payment(const Record& record, const crypto::SecretKey& payer,
                                      std::uint64_t fee, Random& random);

}  // namespace cairn::channel
