// CONSENSUS: changing a result here splits the network.
#include "chain/commitment.h"

#include "crypto/hash.h"

namespace cairn::chain {
namespace {

void write_unsigned(Writer& writer, const Commitment& commitment) {
    writer.u32(commitment.round);
    writer.fixed(commitment.start);
    writer.fixed(commitment.key);
    writer.fixed(commitment.payload_commitment);
    writer.u64(commitment.nonce);
}

}  // namespace

void write(Writer& writer, const Commitment& commitment) {
    write_unsigned(writer, commitment);
    writer.fixed(commitment.signature);
}

Commitment read_commitment(Reader& reader) {
    Commitment commitment;
    commitment.round = reader.u32();
    commitment.start = reader.fixed<32>();
    commitment.key = reader.fixed<32>();
    commitment.payload_commitment = reader.fixed<32>();
    commitment.nonce = reader.u64();
    commitment.signature = reader.fixed<64>();
    return commitment;
}

Bytes encode(const Commitment& commitment) {
    Writer writer;
    write(writer, commitment);
    return std::move(writer).take();
}

Result<Commitment> decode_commitment(ByteView bytes) {
    Reader reader(bytes);
    const Commitment commitment = read_commitment(reader);
    RETURN_IF_ERROR(reader.finish());
    return commitment;
}

Hash256 payload_commitment(const crypto::PublicKey& key, ByteView payload) {
    static const crypto::TaggedHasher hasher("cairn/payload-commitment");
    return hasher(key.view(), payload);
}

Hash256 commitment_id(const Commitment& commitment) {
    static const crypto::TaggedHasher hasher("cairn/commitment-id");
    Writer writer;
    write_unsigned(writer, commitment);
    return hasher(writer.out());
}

Hash256 signature_hash(const Hash256& genesis_id, const Commitment& commitment) {
    static const crypto::TaggedHasher hasher("cairn/commitment-signature");
    Writer writer;
    write_unsigned(writer, commitment);
    return hasher(genesis_id.view(), writer.out());
}

Hash256 stamp_hash(WorkFunction work, const Hash256& genesis_id, const Commitment& commitment) {
    Writer writer;
    writer.fixed(genesis_id);
    write_unsigned(writer, commitment);
    return work_hash(work, writer.out());
}

}  // namespace cairn::chain
