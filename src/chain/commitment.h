// Commitments: what a trainer publishes first. A commitment binds a key to a payload that nobody
// has seen, so that the payload cannot be changed later, and whoever copies it once it is revealed
// comes too late. Its stamp, a small proof of work, makes a flood of commitments costly.
#pragma once

#include <cstdint>

#include "base/encoding.h"
#include "chain/work_function.h"
#include "crypto/keys.h"

namespace cairn::chain {

inline constexpr std::size_t kCommitmentBytes = 4 + 32 + 32 + 32 + 8 + 64;

struct Commitment {
    std::uint32_t round = 0;
    Hash256 start;  ///< hash of the block before the round's first: no stamp can be made earlier
    crypto::PublicKey key;
    Hash256 payload_commitment;  ///< payload_commitment(key, payload)
    std::uint64_t nonce = 0;     ///< searched until the stamp meets the share target
    crypto::Signature signature;
    bool operator==(const Commitment&) const = default;
};

void write(Writer& writer, const Commitment& commitment);
Commitment read_commitment(Reader& reader);
Bytes encode(const Commitment& commitment);
Result<Commitment> decode_commitment(ByteView bytes);

/// H(key || payload). The key is in it, so that nobody can reveal it under another key.
Hash256 payload_commitment(const crypto::PublicKey& key, ByteView payload);
/// Hash of everything but the signature.
Hash256 commitment_id(const Commitment& commitment);
/// What the key signs.
Hash256 signature_hash(const Hash256& genesis_id, const Commitment& commitment);
/// The network's work hash over genesis id and fields: read as a big-endian number it must not
/// exceed the round's share target (consensus/commitment_rules.h). The function is that of headers,
/// or a stamp would not be F times as easy as a block.
Hash256 stamp_hash(WorkFunction work, const Hash256& genesis_id, const Commitment& commitment);

}  // namespace cairn::chain
