#include "serve/announce.h"

#include "crypto/hash.h"

namespace cairn::serve {

namespace {

void encode_unsigned(const Announce& announce, Writer& writer) {
    writer.fixed(announce.key);
    writer.text(announce.address);
    writer.fixed(announce.model);
    writer.u32(announce.layers.begin);
    writer.u32(announce.layers.end);
    writer.u16(announce.serve_version);
    writer.u16(announce.numerics);
    writer.fixed(announce.genesis);
    writer.u64(announce.price);
    writer.u32(announce.rows_per_s);
    writer.u32(announce.load);
    writer.u32(announce.capacity);
    writer.u64(announce.issued_ms);
    writer.u64(announce.expires_ms);
}

Hash256 signed_message(const Announce& announce) {
    Writer writer;
    encode_unsigned(announce, writer);
    return crypto::tagged_hash("cairn/announce/2", writer.out());
}

}  // namespace

void sign(Announce& announce, const crypto::SecretKey& secret, const Hash256& aux) {
    announce.key = crypto::public_key(secret);
    announce.signature = crypto::sign(secret, signed_message(announce), aux);
}

void encode(const Announce& announce, Writer& writer) {
    encode_unsigned(announce, writer);
    writer.fixed(announce.signature);
}

Bytes encode(const Announce& announce) {
    Writer writer;
    encode(announce, writer);
    return std::move(writer).take();
}

Announce read_announce(Reader& reader) {
    Announce announce;
    announce.key = reader.fixed<32>();
    announce.address = reader.text(kMaxAddressBytes);
    announce.model = reader.fixed<32>();
    announce.layers.begin = reader.u32();
    announce.layers.end = reader.u32();
    if (announce.layers.begin >= announce.layers.end || announce.layers.end > model::kMaxLayers)
        reader.fail("layers must be a range [a, b) with a < b");
    announce.serve_version = reader.u16();
    announce.numerics = reader.u16();
    announce.genesis = reader.fixed<32>();
    announce.price = reader.u64();
    if (announce.price > kMaxPrice) reader.fail("the price must be at most 10^10");
    if (announce.price != 0 && announce.genesis == Hash256{})
        reader.fail("a price needs the network in whose coin it is paid");
    announce.rows_per_s = reader.u32();
    announce.load = reader.u32();
    announce.capacity = reader.u32();
    announce.issued_ms = reader.u64();
    announce.expires_ms = reader.u64();
    announce.signature = reader.fixed<64>();
    return announce;
}

Result<Announce> decode_announce(ByteView body) {
    Reader reader(body);
    Announce announce = read_announce(reader);
    RETURN_IF_ERROR(reader.finish());
    return announce;
}

Status check_times(const Announce& announce, std::uint64_t wall_ms) {
    if (announce.expires_ms <= announce.issued_ms ||
        announce.expires_ms - announce.issued_ms > kMaxAnnounceLifeMs)
        return invalid("the announcement's life is not between 0 and 10 minutes");
    if (announce.issued_ms > wall_ms && announce.issued_ms - wall_ms > kMaxClockSkewMs)
        return invalid("the announcement is from the future: compare the clocks");
    if (announce.expires_ms + kMaxClockSkewMs <= wall_ms)
        return invalid("the announcement has expired");
    return ok_status();
}

Status check_announce(const Announce& announce, std::uint64_t wall_ms) {
    RETURN_IF_ERROR(check_times(announce, wall_ms));
    if (!crypto::verify(announce.key, signed_message(announce), announce.signature))
        return invalid("the announcement is not signed by its key");
    return ok_status();
}

}  // namespace cairn::serve
