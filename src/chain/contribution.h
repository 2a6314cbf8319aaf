// Contributions: the payload that a commitment promised (papers A: Def 4, 72). It decodes to an
// integer change of the model; the codec is in train/, bounds are the network's.
#pragma once

#include <cstdint>

#include "base/encoding.h"
#include "crypto/keys.h"

namespace cairn::chain {

/// Decoders refuse more, whatever a network allows.
inline constexpr std::size_t kMaxPayloadBytes = std::size_t{32} << 20;

struct Contribution {
    Hash256 commitment_id;
    Bytes payload;
    crypto::Signature signature;  ///< by the commitment's key
    bool operator==(const Contribution&) const = default;
};

void write(Writer& writer, const Contribution& contribution);
Contribution read_contribution(Reader& reader);
Bytes encode(const Contribution& contribution);
Result<Contribution> decode_contribution(ByteView bytes);

/// Hash of the payload alone: how a payload that was merged before is recognised.
Hash256 payload_hash(ByteView payload);
/// Its leaf in the body's Merkle tree: H(commitment id || payload hash || signature), so a payload
/// can be pruned and shown again; the signature belongs to it, or a body could be made bad without
/// changing its root.
Hash256 contribution_leaf(const Hash256& commitment_id, const Hash256& payload_hash,
                          const crypto::Signature& signature);
/// What the commitment's key signs.
Hash256 signature_hash(const Hash256& genesis_id, const Contribution& contribution);
/// Fresh for each contributor and round, so that sketch errors are independent and average out.
Hash256 codec_seed(const Hash256& genesis_id, std::uint32_t round, const crypto::PublicKey& key);

}  // namespace cairn::chain
