#include "net/relay_messages.h"

#include "base/encoding.h"
#include "net/address.h"

namespace cairn::net {
namespace {

void write(Writer& writer, const CircuitId& id) {
    writer.u8(id.by_receiver ? 1 : 0);
    writer.u32(id.number);
}

CircuitId read_id(Reader& reader) {
    const std::uint8_t by_receiver = reader.u8();
    if (by_receiver > 1) reader.fail("who began a circuit is 0 or 1");
    return {by_receiver == 1, reader.u32()};
}

}  // namespace

void hold(std::deque<Bytes>& waiting, Bytes came) {
    if (!waiting.empty() && waiting.back().size() + came.size() <= kMaxCircuitPiece)
        waiting.back().insert(waiting.back().end(), came.begin(), came.end());
    else
        waiting.push_back(std::move(came));
}

Bytes encode(const CircuitId& message) {
    Writer writer;
    write(writer, message);
    return std::move(writer).take();
}

Result<CircuitId> decode_circuit_id(ByteView body) {
    Reader reader(body);
    const CircuitId id = read_id(reader);
    RETURN_IF_ERROR(reader.finish());
    return id;
}

Bytes encode(const CircuitKey& message) {
    Writer writer;
    writer.u32(message.number);
    writer.fixed(message.key);
    return std::move(writer).take();
}

Result<CircuitKey> decode_circuit_key(ByteView body) {
    Reader reader(body);
    CircuitKey message;
    message.number = reader.u32();
    message.key = reader.fixed<32>();
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const CircuitData& message) {
    CHECK(!message.bytes.empty() && message.bytes.size() <= kMaxCircuitPiece);
    Writer writer;
    write(writer, message.id);
    writer.bytes(message.bytes);
    return std::move(writer).take();
}

Result<CircuitData> decode_circuit_data(ByteView body) {
    Reader reader(body);
    CircuitData message;
    message.id = read_id(reader);
    message.bytes = reader.bytes(kMaxCircuitPiece);
    if (message.bytes.empty()) reader.fail("no bytes");
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const CircuitTaken& message) {
    Writer writer;
    write(writer, message.id);
    writer.u32(message.bytes);
    return std::move(writer).take();
}

Result<CircuitTaken> decode_circuit_taken(ByteView body) {
    Reader reader(body);
    CircuitTaken message;
    message.id = read_id(reader);
    message.bytes = reader.u32();
    if (message.bytes == 0 || message.bytes > kCircuitWindow)
        reader.fail("what was taken is 1 to " + std::to_string(kCircuitWindow) + " bytes");
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const CircuitClosed& message) {
    Writer writer;
    write(writer, message.id);
    writer.text(std::string_view(message.reason).substr(0, kMaxClosedBytes));
    return std::move(writer).take();
}

Result<CircuitClosed> decode_circuit_closed(ByteView body) {
    Reader reader(body);
    CircuitClosed message;
    message.id = read_id(reader);
    message.reason = reader.text(kMaxClosedBytes);
    RETURN_IF_ERROR(reader.finish());
    return message;
}

bool is_relayed(const std::string& address) { return address.find('@') != std::string::npos; }

Result<RelayedAddress> parse_relayed(const std::string& address) {
    const std::size_t at = address.find('@');
    const auto key = fixed_from_hex<32>(address.substr(0, at));
    if (at == std::string::npos || !key.ok())
        return invalid(
            "write KEY@HOST:PORT: the key of the node to reach, in 64 hexadecimal "
            "digits, and the address of the node that passes links on to it");
    RelayedAddress relayed{*key, address.substr(at + 1)};
    RETURN_IF_ERROR(parse_peer_address(relayed.relay));
    if (to_string(relayed) != address) return invalid("a key is written in lower case");
    return relayed;
}

std::string to_string(const RelayedAddress& address) {
    return to_hex(address.key) + "@" + address.relay;
}

std::string dialled_host(const std::string& address) {
    const auto relayed = parse_relayed(address);
    const auto dialled = parse_peer_address(relayed.ok() ? relayed->relay : address);
    return dialled.ok() ? dialled->host : "";
}

}  // namespace cairn::net
