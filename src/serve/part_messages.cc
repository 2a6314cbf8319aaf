#include "serve/part_messages.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "serve/receipt.h"

namespace cairn::serve {

namespace {

static_assert(std::endian::native == std::endian::little, "rows travel as they lie in memory");

void encode_rows(std::span<const float> values, Writer& writer) {
    writer.bytes({reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()});
}

/// So many rows of any width.
std::vector<float> decode_rows(Reader& reader, std::size_t rows) {
    if (rows == 0 || rows > kMaxPartRows) reader.fail("a message has 1 to 256 rows");
    const ByteView raw = reader.raw(reader.count(kMaxPartFloats * sizeof(float), 1));
    if (reader.failed() || raw.empty() || raw.size() % (rows * sizeof(float)) != 0) {
        reader.fail("the numbers are not a whole number of rows");
        return {};
    }
    std::vector<float> values(raw.size() / sizeof(float));
    std::memcpy(values.data(), raw.data(), raw.size());
    return values;
}

}  // namespace

std::size_t max_part_rows(const model::ModelConfig& config) {
    const std::size_t widest = std::max({config.dim, config.q_dim(), config.hidden_dim});
    return std::clamp(kMaxPartFloats / widest, std::size_t{1}, kMaxPartRows);
}

Bytes encode(const PartJoin& message) {
    Writer writer;
    writer.fixed(message.model);
    writer.u16(message.numerics);
    encode(message.layers, writer);
    writer.u32(message.share.group_begin);
    writer.u32(message.share.group_end);
    writer.u32(message.share.column_begin);
    writer.u32(message.share.column_end);
    return std::move(writer).take();
}

Result<PartJoin> decode_part_join(ByteView body) {
    Reader reader(body);
    PartJoin message;
    message.model = reader.fixed<32>();
    message.numerics = reader.u16();
    message.layers = decode_layers(reader);
    message.share.group_begin = reader.u32();
    message.share.group_end = reader.u32();
    message.share.column_begin = reader.u32();
    message.share.column_end = reader.u32();
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const PartOpen& message) {
    Writer writer;
    writer.u64(message.cache);
    encode(message.layers, writer);
    writer.u32(message.positions);
    writer.u8(static_cast<std::uint8_t>(message.kv));
    return std::move(writer).take();
}

Result<PartOpen> decode_part_open(ByteView body) {
    Reader reader(body);
    PartOpen message;
    message.cache = reader.u64();
    message.layers = decode_layers(reader);
    message.positions = reader.u32();
    const std::uint8_t kv = reader.u8();
    if (kv > tensor::kLastKvType) reader.fail("unknown KV type");
    message.kv = static_cast<tensor::KvType>(kv);
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const PartHeads& message) {
    Writer writer;
    writer.u32(message.layer);
    writer.count(message.sequences.size());
    for (const PartSequence& sequence : message.sequences) {
        writer.u64(sequence.cache);
        writer.u32(sequence.position);
        writer.u32(sequence.rows);
    }
    encode_rows(message.states, writer);
    return std::move(writer).take();
}

Result<PartHeads> decode_part_heads(ByteView body) {
    Reader reader(body);
    PartHeads message;
    message.layer = reader.u32();
    const std::size_t count = reader.count(kMaxPartRows, 16);
    std::size_t rows = 0;
    for (std::size_t i = 0; i < count && !reader.failed(); ++i) {
        PartSequence sequence;
        sequence.cache = reader.u64();
        sequence.position = reader.u32();
        sequence.rows = reader.u32();
        if (sequence.rows == 0 || sequence.rows > kMaxPartRows)
            reader.fail("a sequence has 1 to 256 rows of a message");
        rows += sequence.rows;
        message.sequences.push_back(sequence);
    }
    message.states = decode_rows(reader, rows);
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const PartColumns& message) {
    Writer writer;
    writer.u32(message.layer);
    writer.u32(message.rows);
    encode_rows(message.states, writer);
    return std::move(writer).take();
}

Result<PartColumns> decode_part_columns(ByteView body) {
    Reader reader(body);
    PartColumns message;
    message.layer = reader.u32();
    message.rows = reader.u32();
    message.states = decode_rows(reader, message.rows);
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode(const PartShare& message) {
    Writer writer;
    writer.u32(message.rows);
    encode_rows(message.values, writer);
    return std::move(writer).take();
}

Result<PartShare> decode_part_share(ByteView body) {
    Reader reader(body);
    PartShare message;
    message.rows = reader.u32();
    message.values = decode_rows(reader, message.rows);
    RETURN_IF_ERROR(reader.finish());
    return message;
}

Bytes encode_part_close(std::uint64_t cache) {
    Writer writer;
    writer.u64(cache);
    return std::move(writer).take();
}

Result<std::uint64_t> decode_part_close(ByteView body) {
    Reader reader(body);
    const std::uint64_t cache = reader.u64();
    RETURN_IF_ERROR(reader.finish());
    return cache;
}

Bytes encode_part_reason(std::string_view reason) {
    Writer writer;
    writer.text(reason.substr(0, kMaxPartReason));
    return std::move(writer).take();
}

Result<std::string> decode_part_reason(ByteView body) {
    Reader reader(body);
    std::string reason = reader.text(kMaxPartReason);
    RETURN_IF_ERROR(reader.finish());
    return reason;
}

}  // namespace cairn::serve
