// A voucher: the payer of a channel tells its payee how much of the channel's coins is his by now.
// Amounts only grow, so the latest voucher is worth all that were before it. It costs no block: the
// payee shows the best one when he closes the channel. It names the network and the channel, and is
// worth nothing in another.
#pragma once

#include <string>

#include "chain/payment.h"

namespace cairn::chain {

struct Voucher {
    Hash256 genesis_id;
    OutPoint channel;
    std::uint64_t amount = 0;     ///< all that the payee has earned in this channel: 1 to 2^62 - 1
    crypto::Signature signature;  ///< by the payer, of voucher_hash
    bool operator==(const Voucher&) const = default;
};

inline constexpr std::size_t kVoucherBytes = 32 + 36 + 8 + 64;

/// What the payer signs.
Hash256 voucher_hash(const Hash256& genesis_id, const OutPoint& channel, std::uint64_t amount);

void write(Writer& writer, const Voucher& voucher);
Voucher read_voucher(Reader& reader);
Bytes encode(const Voucher& voucher);
Result<Voucher> decode_voucher(ByteView bytes);

}  // namespace cairn::chain
