#include "serve/receipt.h"

#include <bit>
#include <cstring>

#include "crypto/hash.h"

namespace cairn::serve {

namespace {

/// Stands in the byte of the cache's type where a source follows: so the terms of all other
/// sessions are what they were before there were sources.
constexpr std::uint8_t kHasSource = 0x80;

static_assert(std::endian::native == std::endian::little,
              "activations travel as they lie in memory");

}  // namespace

Hash256 states_hash(std::uint32_t position, std::span<const float> states) {
    static const crypto::TaggedHasher hasher("cairn/states/1");
    Writer header;
    header.u32(position);
    header.u64(states.size());
    return hasher(header.out(),
                  {reinterpret_cast<const std::uint8_t*>(states.data()), states.size_bytes()});
}

void InputChain::put(std::uint32_t position, std::span<const float> rows, std::size_t dim) {
    static const crypto::TaggedHasher hasher("cairn/inputs/2");
    CHECK(position <= after_.size() && dim > 0 && rows.size() % dim == 0);
    after_.resize(position);
    for (std::size_t at = 0; at < rows.size(); at += dim) {
        const auto here = static_cast<std::uint32_t>(after_.size());
        const Hash256 before = end();
        after_.push_back(hasher(before.view(), states_hash(here, rows.subspan(at, dim)).view()));
    }
}

Hash256 receipt_message(const SessionTerms& terms, const Receipt& receipt) {
    static const crypto::TaggedHasher hasher("cairn/receipt/1");
    Writer writer;
    encode(terms, writer);
    writer.u32(receipt.layers.begin);
    writer.u32(receipt.layers.end);
    writer.fixed(receipt.inputs);
    writer.fixed(receipt.output);
    return hasher(writer.out());
}

Receipt make_receipt(const SessionTerms& terms, model::LayerRange layers, const Hash256& inputs,
                     const Hash256& output, const crypto::SecretKey& secret, const Hash256& aux) {
    Receipt receipt{layers, inputs, output, {}};
    receipt.signature = crypto::sign(secret, receipt_message(terms, receipt), aux);
    return receipt;
}

Status check_receipt(const SessionTerms& terms, const Receipt& receipt,
                     const crypto::PublicKey& signer, const Hash256& output) {
    if (receipt.output != output)
        return invalid("the receipt's output hash is not that of the states it came with");
    if (!crypto::verify(signer, receipt_message(terms, receipt), receipt.signature))
        return invalid("the receipt's signature is not by " + short_hex(signer));
    return ok_status();
}

void encode(const SessionTerms& terms, Writer& writer) {
    writer.fixed(terms.session);
    writer.fixed(terms.model);
    writer.u16(terms.numerics);
    const auto kv = static_cast<std::uint8_t>(terms.kv);
    writer.u8(terms.source_rows == 0 ? kv : kv | kHasSource);
    writer.u8(static_cast<std::uint8_t>(terms.wire));
    writer.u32(terms.max_positions);
    if (terms.source_rows > 0) writer.u32(terms.source_rows);
}

SessionTerms decode_terms(Reader& reader) {
    SessionTerms terms;
    terms.session = reader.fixed<32>();
    terms.model = reader.fixed<32>();
    terms.numerics = reader.u16();
    const std::uint8_t flags = reader.u8();
    const std::uint8_t kv = flags & static_cast<std::uint8_t>(~kHasSource);
    if (kv > tensor::kLastKvType) reader.fail("unknown KV type");
    terms.kv = static_cast<tensor::KvType>(kv);
    const std::uint8_t wire = reader.u8();
    if (wire > tensor::kLastStateType) reader.fail("unknown wire type");
    terms.wire = static_cast<tensor::StateType>(wire);
    terms.max_positions = reader.u32();
    if ((flags & kHasSource) != 0) {
        terms.source_rows = reader.u32();
        if (terms.source_rows == 0 || terms.source_rows > model::kMaxContext)
            reader.fail("a source has 1 to 2^20 rows");
    }
    return terms;
}

void encode(model::LayerRange layers, Writer& writer) {
    writer.u32(layers.begin);
    writer.u32(layers.end);
}

model::LayerRange decode_layers(Reader& reader) {
    model::LayerRange layers;
    layers.begin = reader.u32();
    layers.end = reader.u32();
    if (layers.begin >= layers.end || layers.end > model::kMaxLayers)
        reader.fail("layers must be a range [a, b) with a < b");
    return layers;
}

void encode(const Receipt& receipt, Writer& writer) {
    writer.u32(receipt.layers.begin);
    writer.u32(receipt.layers.end);
    writer.fixed(receipt.inputs);
    writer.fixed(receipt.output);
    writer.fixed(receipt.signature);
}

Receipt decode_receipt(Reader& reader) {
    Receipt receipt;
    receipt.layers.begin = reader.u32();
    receipt.layers.end = reader.u32();
    receipt.inputs = reader.fixed<32>();
    receipt.output = reader.fixed<32>();
    receipt.signature = reader.fixed<64>();
    return receipt;
}

}  // namespace cairn::serve
