// CONSENSUS: changing a result here splits the network.
#include "chain/contribution.h"

#include "crypto/hash.h"

namespace cairn::chain {

void write(Writer& writer, const Contribution& contribution) {
    writer.fixed(contribution.commitment_id);
    writer.bytes(contribution.payload);
    writer.fixed(contribution.signature);
}

Contribution read_contribution(Reader& reader) {
    Contribution contribution;
    contribution.commitment_id = reader.fixed<32>();
    contribution.payload = reader.bytes(kMaxPayloadBytes);
    contribution.signature = reader.fixed<64>();
    return contribution;
}

Bytes encode(const Contribution& contribution) {
    Writer writer;
    write(writer, contribution);
    return std::move(writer).take();
}

Result<Contribution> decode_contribution(ByteView bytes) {
    Reader reader(bytes);
    Contribution contribution = read_contribution(reader);
    RETURN_IF_ERROR(reader.finish());
    return contribution;
}

Hash256 payload_hash(ByteView payload) {
    static const crypto::TaggedHasher hasher("cairn/payload");
    return hasher(payload);
}

Hash256 contribution_leaf(const Hash256& commitment_id, const Hash256& payload_hash,
                          const crypto::Signature& signature) {
    static const crypto::TaggedHasher hasher("cairn/contribution-leaf");
    Writer writer;
    writer.fixed(commitment_id);
    writer.fixed(payload_hash);
    writer.fixed(signature);
    return hasher(writer.out());
}

Hash256 signature_hash(const Hash256& genesis_id, const Contribution& contribution) {
    static const crypto::TaggedHasher hasher("cairn/contribution-signature");
    Writer writer;
    writer.fixed(genesis_id);
    writer.fixed(contribution.commitment_id);
    writer.fixed(payload_hash(contribution.payload));
    return hasher(writer.out());
}

Hash256 codec_seed(const Hash256& genesis_id, std::uint32_t round, const crypto::PublicKey& key) {
    static const crypto::TaggedHasher hasher("cairn/codec-seed");
    Writer writer;
    writer.fixed(genesis_id);
    writer.u32(round);
    writer.fixed(key);
    return hasher(writer.out());
}

}  // namespace cairn::chain
