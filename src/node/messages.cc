#include "node/messages.h"

namespace cairn::node {
namespace {

constexpr std::size_t kExhibitNoteBytes = 3 * 32 + 3 * 4;

void write_hashes(Writer& writer, const std::vector<Hash256>& hashes, std::size_t max) {
    CHECK(hashes.size() <= max);
    writer.count(hashes.size());
    for (const Hash256& hash : hashes) writer.fixed(hash);
}

std::vector<Hash256> read_hashes(Reader& reader, std::size_t max) {
    std::vector<Hash256> hashes(reader.count(max, Hash256::kSize));
    for (Hash256& hash : hashes) hash = reader.fixed<32>();
    if (hashes.empty()) reader.fail("an empty list of hashes");
    return hashes;
}

}  // namespace

Bytes encode(const Hello& message) {
    Writer writer;
    writer.u32(message.protocol);
    writer.fixed(message.genesis_id);
    writer.u64(message.height);
    writer.fixed(message.tip);
    writer.fixed(message.work);
    return std::move(writer).take();
}

Result<Hello> decode_hello(ByteView bytes) {
    Reader reader(bytes);
    Hello message;
    message.protocol = reader.u32();
    message.genesis_id = reader.fixed<32>();
    message.height = reader.u64();
    message.tip = reader.fixed<32>();
    message.work = reader.fixed<32>();
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const GetHeaders& message) {
    Writer writer;
    write_hashes(writer, message.locator, kMaxLocator);
    return std::move(writer).take();
}

Result<GetHeaders> decode_get_headers(ByteView bytes) {
    Reader reader(bytes);
    GetHeaders message{read_hashes(reader, kMaxLocator)};
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const Headers& message) {
    CHECK(message.headers.size() <= kMaxHeadersPerMessage);
    Writer writer;
    writer.count(message.headers.size());
    for (const chain::BlockHeader& header : message.headers)
        writer.fixed(chain::header_bytes(header));
    return std::move(writer).take();
}

Result<Headers> decode_headers(ByteView bytes) {
    Reader reader(bytes);
    Headers message;
    message.headers.resize(reader.count(kMaxHeadersPerMessage, chain::kHeaderBytes));
    for (chain::BlockHeader& header : message.headers) header = chain::read_header(reader);
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const Inventory& message) {
    Writer writer;
    writer.u8(static_cast<std::uint8_t>(message.kind));
    write_hashes(writer, message.ids, kMaxInventory);
    return std::move(writer).take();
}

Result<Inventory> decode_inventory(ByteView bytes) {
    Reader reader(bytes);
    Inventory message;
    const std::uint8_t kind = reader.u8();
    if (kind < 1 || kind > 3) reader.fail("no such kind of item");
    message.kind = static_cast<ItemKind>(kind);
    message.ids = read_hashes(reader, kMaxInventory);
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const GetAsset& message) {
    Writer writer;
    writer.fixed(message.hash);
    writer.u64(message.offset);
    return std::move(writer).take();
}

Result<GetAsset> decode_get_asset(ByteView bytes) {
    Reader reader(bytes);
    GetAsset message;
    message.hash = reader.fixed<32>();
    message.offset = reader.u64();
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const AssetChunk& message) {
    CHECK(message.bytes.size() <= kAssetChunkBytes);
    Writer writer;
    writer.fixed(message.hash);
    writer.u64(message.total);
    writer.u64(message.offset);
    writer.bytes(message.bytes);
    return std::move(writer).take();
}

Result<AssetChunk> decode_asset_chunk(ByteView bytes) {
    Reader reader(bytes);
    AssetChunk message;
    message.hash = reader.fixed<32>();
    message.total = reader.u64();
    message.offset = reader.u64();
    message.bytes = reader.bytes(kAssetChunkBytes);
    if (message.total > kMaxAssetBytes || message.offset > message.total ||
        message.bytes.size() > message.total - message.offset)
        reader.fail("a piece outside its asset");
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const Addresses& message) {
    CHECK(message.addresses.size() <= kMaxAddresses);
    Writer writer;
    writer.count(message.addresses.size());
    for (const std::string& address : message.addresses) writer.text(address);
    return std::move(writer).take();
}

Result<Addresses> decode_addresses(ByteView bytes) {
    Reader reader(bytes);
    Addresses message;
    message.addresses.resize(reader.count(kMaxAddresses, 4));
    for (std::string& address : message.addresses) address = reader.text(kMaxAddressBytes);
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const Servers& message) {
    CHECK(message.records.size() <= kMaxServersPerMessage);
    Writer writer;
    writer.count(message.records.size());
    for (const serve::Announce& record : message.records) serve::encode(record, writer);
    return std::move(writer).take();
}

Result<Servers> decode_servers(ByteView bytes) {
    Reader reader(bytes);
    Servers message;
    message.records.resize(reader.count(kMaxServersPerMessage, serve::kMinAnnounceBytes));
    for (serve::Announce& record : message.records) record = serve::read_announce(reader);
    if (message.records.empty()) reader.fail("an empty list of servers");
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const Exhibits& message) {
    CHECK(message.notes.size() <= kMaxExhibitsPerMessage);
    Writer writer;
    writer.count(message.notes.size());
    for (const serve::ExhibitNote& note : message.notes) {
        writer.fixed(note.id);
        writer.fixed(note.server);
        writer.fixed(note.model);
        writer.u32(note.layers.begin);
        writer.u32(note.layers.end);
        writer.u32(note.bytes);
    }
    return std::move(writer).take();
}

Result<Exhibits> decode_exhibits(ByteView bytes) {
    Reader reader(bytes);
    Exhibits message;
    message.notes.resize(reader.count(kMaxExhibitsPerMessage, kExhibitNoteBytes));
    for (serve::ExhibitNote& note : message.notes) {
        note.id = reader.fixed<32>();
        note.server = reader.fixed<32>();
        note.model = reader.fixed<32>();
        note.layers.begin = reader.u32();
        note.layers.end = reader.u32();
        note.bytes = reader.u32();
        if (note.layers.begin >= note.layers.end || note.layers.end > model::kMaxLayers)
            reader.fail("an exhibit about no layers");
        if (note.bytes == 0 || note.bytes > serve::kMaxSharedExhibit)
            reader.fail("an exhibit of a size that is not passed on");
    }
    if (message.notes.empty()) reader.fail("an empty list of exhibits");
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode_clock(std::uint64_t wall_ms) {
    Writer writer;
    writer.u64(wall_ms);
    return std::move(writer).take();
}

Result<std::uint64_t> decode_clock(ByteView bytes) {
    Reader reader(bytes);
    const std::uint64_t wall_ms = reader.u64();
    RETURN_IF_ERROR(reader.finish());
    return wall_ms;
}

Bytes encode_hash(const Hash256& hash) { return Bytes(hash.bytes.begin(), hash.bytes.end()); }

Result<Hash256> decode_hash(ByteView bytes) {
    Reader reader(bytes);
    const Hash256 hash = reader.fixed<32>();
    RETURN_IF_ERROR(reader.finish());
    return hash;
}

}  // namespace cairn::node
