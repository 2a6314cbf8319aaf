#include "net/hello.h"

#include "base/encoding.h"
#include "crypto/hash.h"
#include "net/network.h"

namespace cairn::net {
namespace {

/// The largest body of a kind. Those of the link itself are small, so that a stranger cannot make
/// us hold much before we know who it is.
std::size_t max_body(std::uint16_t kind) {
    if (kind < kFirstReservedKind) return kMaxMessageBytes;
    switch (static_cast<LinkKind>(kind)) {
        case LinkKind::kHello:
            return kHelloBytes;
        case LinkKind::kWelcome:
            return 0;
        case LinkKind::kGoodbye:
            return kMaxGoodbyeBytes;
        case LinkKind::kPing:
        case LinkKind::kPong:
            return 8;
    }
    return 0;
}

void write_fields(Writer& writer, const Hello& hello) {
    writer.u32(kProtocolMagic);
    writer.u32(hello.version);
    writer.fixed(hello.genesis);
    writer.fixed(hello.key);
    writer.u16(hello.listen_port);
}

}  // namespace

Bytes encode_frame(std::uint16_t kind, ByteView body) {
    CHECK(body.size() <= max_body(kind));
    Bytes frame;
    frame.reserve(kFrameHeaderBytes + body.size());
    const auto size = static_cast<std::uint32_t>(body.size());
    for (int i = 0; i < 4; ++i) frame.push_back(static_cast<std::uint8_t>(size >> (8 * i)));
    frame.push_back(static_cast<std::uint8_t>(kind));
    frame.push_back(static_cast<std::uint8_t>(kind >> 8));
    frame.insert(frame.end(), body.begin(), body.end());
    return frame;
}

Result<FrameHeader> decode_frame_header(ByteView bytes) {
    Reader reader(bytes);
    FrameHeader header;
    header.body_bytes = reader.u32();
    header.kind = reader.u16();
    RETURN_IF_ERROR(reader.finish());
    if (header.body_bytes > max_body(header.kind))
        return invalid("a message of kind " + std::to_string(header.kind) + " with " +
                       std::to_string(header.body_bytes) + " bytes is too large");
    return header;
}

Bytes encode_hello(const Hello& hello) {
    Writer writer;
    write_fields(writer, hello);
    writer.fixed(hello.signature);
    CHECK(writer.out().size() == kHelloBytes);
    return std::move(writer).take();
}

Result<Hello> decode_hello(ByteView body) {
    Reader reader(body);
    if (reader.u32() != kProtocolMagic) reader.fail("the other side does not speak our protocol");
    Hello hello;
    hello.version = reader.u32();
    hello.genesis = reader.fixed<32>();
    hello.key = reader.fixed<32>();
    hello.listen_port = reader.u16();
    hello.signature = reader.fixed<64>();
    RETURN_IF_ERROR(reader.finish());
    return hello;
}

Hash256 hello_message(const Hello& hello, Role role, const Hash256& channel) {
    Writer writer;
    write_fields(writer, hello);
    writer.u8(static_cast<std::uint8_t>(role));
    writer.fixed(channel);
    return crypto::tagged_hash("cairn/hello", writer.out());
}

Status check_hello(const Hello& hello, Role role, const Hash256& channel,
                   const Hash256& our_genesis, const crypto::PublicKey& our_key) {
    const auto refused = [](std::string why) { return Error{ErrorCode::kRefused, std::move(why)}; };
    if (hello.version != kLinkVersion)
        return Error{ErrorCode::kUnsupported, "protocol version " + std::to_string(hello.version) +
                                                  " meets version " + std::to_string(kLinkVersion) +
                                                  ": update the older program"};
    if (hello.genesis != our_genesis)
        return refused("different networks: genesis " + short_hex(hello.genesis) + " meets " +
                       short_hex(our_genesis));
    if (hello.key == our_key)
        return refused("this is ourselves, or a node on a copy of our folder: it has our key");
    if (!crypto::verify(hello.key, hello_message(hello, role, channel), hello.signature))
        return refused(
            "the hello's signature does not fit this connection: wrong key, or somebody "
            "in the middle");
    return ok_status();
}

std::string readable_reason(ByteView body) {
    std::string text;
    for (const std::uint8_t byte : body.first(std::min(body.size(), kMaxGoodbyeBytes)))
        text.push_back(byte >= 0x20 && byte < 0x7F ? static_cast<char>(byte) : '?');
    return text;
}

}  // namespace cairn::net
