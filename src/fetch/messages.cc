#include "fetch/messages.h"

#include "fetch/manifest.h"

namespace cairn::fetch {

Bytes encode_ask_weights(const Hash256& name) { return {name.bytes.begin(), name.bytes.end()}; }

Result<Hash256> decode_ask_weights(ByteView body) {
    Reader reader(body);
    const Hash256 name = reader.fixed<32>();
    RETURN_IF_ERROR(reader.finish());
    return name;
}

Bytes encode(const Weights& message) {
    CHECK(message.manifest.size() <= kMaxManifestBytes);
    Writer writer;
    writer.bytes(message.manifest);
    writer.u8(message.anchor ? 1 : 0);
    if (message.anchor) {
        writer.fixed(message.anchor->block);
        writer.fixed(message.anchor->coins_root);
        writer.fixed(message.anchor->rules_root);
    }
    return std::move(writer).take();
}

Result<Weights> decode_weights(ByteView body) {
    Reader reader(body);
    Weights message;
    message.manifest = reader.bytes(kMaxManifestBytes);
    const std::uint8_t anchored = reader.u8();
    if (anchored > 1) reader.fail("neither with a block nor without one");
    if (anchored == 1)
        message.anchor = Anchor{reader.fixed<32>(), reader.fixed<32>(), reader.fixed<32>()};
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const AskLeaves& message) {
    Writer writer;
    writer.fixed(message.name);
    writer.u64(message.first);
    writer.u32(message.count);
    return std::move(writer).take();
}

Result<AskLeaves> decode_ask_leaves(ByteView body) {
    Reader reader(body);
    AskLeaves message{reader.fixed<32>(), reader.u64(), reader.u32()};
    if (message.count == 0 || message.count > kMaxLeaves) reader.fail("too many leaves, or none");
    if (message.first >= crypto::kMaxMerkleLeaves) reader.fail("no tree has so many leaves");
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const Leaves& message) {
    CHECK(message.bytes.size() <= kMaxLeaves * kLeafBytes);
    Writer writer;
    writer.fixed(message.name);
    writer.u64(message.first);
    writer.bytes(message.bytes);
    write(writer, message.proof);
    return std::move(writer).take();
}

Result<Leaves> decode_leaves(ByteView body) {
    Reader reader(body);
    Leaves message;
    message.name = reader.fixed<32>();
    message.first = reader.u64();
    message.bytes = reader.bytes(kMaxLeaves * kLeafBytes);
    message.proof = crypto::read_range_proof(reader);
    if (message.bytes.empty()) reader.fail("no leaves");
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const NoWeights& message) {
    Writer writer;
    writer.fixed(message.name);
    writer.u64(message.first);
    writer.u8(static_cast<std::uint8_t>(message.lack));
    return std::move(writer).take();
}

Result<NoWeights> decode_no_weights(ByteView body) {
    Reader reader(body);
    NoWeights message{reader.fixed<32>(), reader.u64(), static_cast<Lack>(reader.u8())};
    if (message.lack != Lack::kNotHere && message.lack != Lack::kBusy)
        reader.fail("an unknown reason");
    RETURN_IF_ERROR(reader.finish());
    return message;
}

}  // namespace cairn::fetch
