// Where the hash of a file stands on the chain (papers A: Def 8): as the payee of a payment channel
// that nobody can close, because its payee is no key that anybody has. The coins in it are its
// payer's again from the channel's expiry on, so a timestamp costs its fees and leaves no coin
// behind. The rules know nothing of it.
#pragma once

#include "chain/payment.h"
#include "proof/inclusion.h"

namespace cairn::proof {

/// What a channel's payee is for a file with this SHA-256: the first of H("cairn/timestamp", file
/// hash || u8 0, 1, 2 ...) that is the x coordinate of a point. Nobody has a secret for it.
crypto::PublicKey timestamp_payee(const Hash256& file_hash);

/// SHA-256 of a file of any size. kIo where it cannot be read.
Result<Hash256> hash_of_file(const std::string& path);

/// Whether the proof's payment has an output that stands for the file.
bool is_timestamp_of(const Inclusion& inclusion, const Hash256& file_hash);

}  // namespace cairn::proof
