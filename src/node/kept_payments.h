// Payments that wait for a block, kept over a restart in DIR/payments.pool: those that were
// submitted at this node before whoever did so is told that it was done, and the whole pool when
// the node stops. Somebody who has paid should not have to find out that nobody else ever heard of
// the payment, not even after a kill -9. What is read at the next start is judged anew like
// anything from outside.
//
//   "CAIRNPAY", u32 how many, each as chain::write(Payment), SHA-256 of all before
#pragma once

#include <vector>

#include "base/disk.h"
#include "chain/payment.h"

namespace cairn::node {

inline constexpr const char* kKeptPaymentsFile = "payments.pool";
inline constexpr std::size_t kMaxKeptPayments = 4096;

/// At most kMaxKeptPayments.
Bytes encode_kept_payments(const std::vector<chain::Payment>& payments);
Result<std::vector<chain::Payment>> decode_kept_payments(ByteView bytes);

/// Replaces the file; without payments there is none afterwards.
Status keep_payments(Disk& disk, const std::vector<chain::Payment>& payments);
/// Empty if there is no file. A file that cannot be read is logged and ignored.
std::vector<chain::Payment> kept_payments(const Disk& disk);

}  // namespace cairn::node
