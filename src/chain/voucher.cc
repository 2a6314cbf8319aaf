// CONSENSUS: changing a result here splits the network.
#include "chain/voucher.h"

#include "crypto/hash.h"

namespace cairn::chain {

Hash256 voucher_hash(const Hash256& genesis_id, const OutPoint& channel, std::uint64_t amount) {
    static const crypto::TaggedHasher hasher("cairn/voucher");
    Writer writer;
    writer.fixed(genesis_id);
    write(writer, channel);
    writer.u64(amount);
    return hasher(writer.out());
}

void write(Writer& writer, const Voucher& voucher) {
    writer.fixed(voucher.genesis_id);
    write(writer, voucher.channel);
    writer.u64(voucher.amount);
    writer.fixed(voucher.signature);
}

Voucher read_voucher(Reader& reader) {
    Voucher voucher;
    voucher.genesis_id = reader.fixed<32>();
    voucher.channel = read_outpoint(reader);
    voucher.amount = reader.u64();
    if (!reader.failed() && (voucher.amount == 0 || voucher.amount >= kMaxAmount))
        reader.fail("a voucher's amount must be 1 to 2^62 - 1");
    voucher.signature = reader.fixed<64>();
    return voucher;
}

Bytes encode(const Voucher& voucher) {
    Writer writer;
    write(writer, voucher);
    return std::move(writer).take();
}

Result<Voucher> decode_voucher(ByteView bytes) {
    Reader reader(bytes);
    const Voucher voucher = read_voucher(reader);
    RETURN_IF_ERROR(reader.finish());
    return voucher;
}

}  // namespace cairn::chain
