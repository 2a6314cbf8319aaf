// Contributions: the payload that a commitment promised (papers A: Def 4, 72). It decodes to an
// integer change of the model, by the codec in codec/. The network definition bounds its size.
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
/// Bytes of that, with a payload of so many.
constexpr std::size_t contribution_bytes(std::size_t payload) {
    return Hash256::kSize + 4 + payload + crypto::Signature::kSize;
}
Result<Contribution> decode_contribution(ByteView bytes);

/// Hash of the payload alone, by which a payload that was merged before is recognised.
Hash256 payload_hash(ByteView payload);
/// Its leaf in the body's Merkle tree: H(commitment id || payload hash || signature). It has the
/// payload's hash, so that a payload can be pruned and later shown to be the same; and it has the
/// signature, because otherwise anybody could spoil a body without changing its root.
Hash256 contribution_leaf(const Hash256& commitment_id, const Hash256& payload_hash,
                          const crypto::Signature& signature);
/// What the commitment's key signs.
Hash256 signature_hash(const Hash256& genesis_id, const Contribution& contribution);
/// The codec's random seed: another for each contributor and round, so that the errors of their
/// sketches are independent and average out.
Hash256 codec_seed(const Hash256& genesis_id, std::uint32_t round, const crypto::PublicKey& key);

}  // namespace cairn::chain
