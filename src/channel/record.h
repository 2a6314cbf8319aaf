// What one end of a channel must not forget: which channel it is, and the best voucher. A record is
// a small file of its own (record_store.h), written before anybody is told of what it says.
#pragma once

#include <cstdint>
#include <string>

#include "chain/voucher.h"

namespace cairn::channel {

enum class Role : std::uint8_t { kPayer = 0, kPayee = 1 };

/// What the chain says of a channel: its output and where that is.
struct Terms {
    chain::OutPoint outpoint;
    crypto::PublicKey payer;
    crypto::PublicKey payee;
    std::uint64_t capacity = 0;
    std::uint32_t expiry =
        0;  ///< below this height the payee may close, from it on the payer refunds
    bool operator==(const Terms&) const = default;
};

/// kInvalid if the output is no channel.
Result<Terms> terms_of(const chain::OutPoint& outpoint, const chain::Output& output);
/// The output that is on the chain.
chain::Output output_of(const Terms& terms);

struct Record {
    Role role = Role::kPayer;
    Hash256 genesis_id;
    Terms terms;
    std::uint64_t paid = 0;       ///< amount of the best voucher; 0: none yet
    crypto::Signature signature;  ///< of that voucher
    /// Payer: the price of what came, at least. Payee: the price of what went out, at most. After a
    /// crash each end so believes what costs the other nothing and itself no more than the limit.
    std::uint64_t counted = 0;
    bool closing = false;  ///< the payee has begun to close: nothing more is given or taken
    std::string note;      ///< whom it is for, in the owner's words
    bool operator==(const Record&) const = default;
};

inline constexpr std::size_t kMaxNote = 128;
inline constexpr std::size_t kMaxRecordBytes = 512;

/// The best voucher. CHECKs that there is one.
chain::Voucher voucher_of(const Record& record);

/// With a checksum: a file that the disk has damaged is told from one that says something else.
Bytes encode(const Record& record);
/// kInvalid also for a voucher whose amount is above the capacity.
Result<Record> decode_record(ByteView bytes);

}  // namespace cairn::channel
