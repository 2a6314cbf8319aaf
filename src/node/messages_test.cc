// Proves that every message round-trips, and that short, long and oversized bodies are refused.
#include "node/messages.h"

#include <gtest/gtest.h>

namespace cairn::node {
namespace {

Hash256 hash_of(std::uint8_t value) {
    Hash256 hash;
    hash.bytes.fill(value);
    return hash;
}

template <typename Message, typename Decode>
void expect_round_trip(const Message& message, Decode decode) {
    const Bytes bytes = encode(message);
    auto back = decode(ByteView(bytes));
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_EQ(*back, message);
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(decode(ByteView(longer)).ok());
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode(ByteView(bytes).first(size)).ok()) << size;
}

TEST(Messages, RoundTrip) {
    expect_round_trip(Hello{1, hash_of(1), 7, hash_of(2), hash_of(3)}, decode_hello);
    expect_round_trip(GetHeaders{{hash_of(1), hash_of(2)}}, decode_get_headers);
    chain::BlockHeader header;
    header.previous = hash_of(9);
    header.target = 0x1f00ffff;
    header.nonce = 5;
    expect_round_trip(Headers{{header, header}}, decode_headers);
    expect_round_trip(Inventory{ItemKind::kContribution, {hash_of(4)}}, decode_inventory);
    expect_round_trip(GetAsset{hash_of(5), 1 << 20}, decode_get_asset);
    expect_round_trip(AssetChunk{hash_of(5), 10, 4, {1, 2, 3}}, decode_asset_chunk);
    expect_round_trip(Addresses{{"10.0.0.1:7000", "node.example:1"}}, decode_addresses);
    serve::Announce record;
    record.address = "10.0.0.1:8500";
    record.layers = {2, 5};
    record.genesis = hash_of(7);
    record.price = 3;
    expect_round_trip(Servers{{record, record}}, decode_servers);
    expect_round_trip(Exhibits{{{hash_of(1), hash_of(2), hash_of(3), {2, 5}, 900}}},
                      decode_exhibits);
}

TEST(Messages, AClockIsEightBytes) {
    const Bytes bytes = encode_clock(1'790'000'000'123);
    EXPECT_EQ(*decode_clock(bytes), 1'790'000'000'123U);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_FALSE(decode_clock(ByteView(bytes).first(size)).ok()) << size;
    EXPECT_FALSE(decode_clock(Bytes(9, 0)).ok());
}

TEST(Messages, RefuseWhatIsOutOfBounds) {
    EXPECT_FALSE(decode_asset_chunk(encode(AssetChunk{hash_of(5), 3, 1, {1, 2, 3}})).ok());
    EXPECT_TRUE(decode_asset_chunk(encode(AssetChunk{hash_of(5), 3, 0, {1, 2, 3}})).ok());
    EXPECT_TRUE(decode_asset_chunk(encode(AssetChunk{hash_of(5), 3, 3, {}})).ok());
    EXPECT_FALSE(decode_asset_chunk(encode(AssetChunk{hash_of(5), 3, 4, {}})).ok());
    EXPECT_TRUE(decode_asset_chunk(encode(AssetChunk{hash_of(5), kMaxAssetBytes, 0, {1}})).ok());
    EXPECT_FALSE(
        decode_asset_chunk(encode(AssetChunk{hash_of(5), kMaxAssetBytes + 1, 0, {1}})).ok());
    EXPECT_FALSE(decode_servers(encode(Servers{})).ok());
    Writer servers;
    servers.count(kMaxServersPerMessage + 1);
    for (std::size_t i = 0; i <= kMaxServersPerMessage; ++i) {
        serve::Announce record;
        record.layers = {0, 1};
        serve::encode(record, servers);
    }
    EXPECT_FALSE(decode_servers(servers.out()).ok());
    serve::Announce no_layers;
    no_layers.layers = {4, 4};
    EXPECT_FALSE(decode_servers(encode(Servers{{no_layers}})).ok());
    Bytes unknown = encode(Inventory{ItemKind::kPayment, {hash_of(1)}});
    for (const std::uint8_t kind : {std::uint8_t{0}, std::uint8_t{4}}) {
        unknown[0] = kind;
        EXPECT_FALSE(decode_inventory(unknown).ok());
    }
    const auto note_of = [](model::LayerRange layers, std::uint32_t bytes) {
        return encode(Exhibits{{{hash_of(1), hash_of(2), hash_of(3), layers, bytes}}});
    };
    EXPECT_TRUE(decode_exhibits(note_of({0, model::kMaxLayers}, serve::kMaxSharedExhibit)).ok());
    EXPECT_FALSE(decode_exhibits(note_of({0, model::kMaxLayers + 1}, 1)).ok());
    EXPECT_FALSE(decode_exhibits(note_of({2, 2}, 1)).ok());
    EXPECT_FALSE(decode_exhibits(note_of({0, 1}, 0)).ok());
    EXPECT_FALSE(decode_exhibits(note_of({0, 1}, serve::kMaxSharedExhibit + 1)).ok());
}

// With all their elements in them: a list that is cut short would be refused for that alone.
TEST(Messages, ListsAreBounded) {
    const auto list = [](std::size_t count, const Bytes& element, const Bytes& before = {}) {
        Writer writer;
        writer.raw(before);
        writer.count(count);
        for (std::size_t i = 0; i < count; ++i) writer.raw(element);
        return std::move(writer).take();
    };
    const auto expect_bound = [&](auto decode, std::size_t most, const Bytes& element,
                                  const Bytes& before = {}) {
        EXPECT_TRUE(decode(list(most, element, before)).ok());
        EXPECT_FALSE(decode(list(most + 1, element, before)).ok());
    };
    const Bytes hash = encode_hash(hash_of(1));
    expect_bound(decode_get_headers, kMaxLocator, hash);
    expect_bound(decode_inventory, kMaxInventory, hash, {1});
    chain::BlockHeader header;
    header.target = 0x1f00ffff;
    const auto one = chain::header_bytes(header);
    expect_bound(decode_headers, kMaxHeadersPerMessage, Bytes(one.bytes.begin(), one.bytes.end()));
    expect_bound(decode_addresses, kMaxAddresses, list(3, {'a'}));
    const Bytes note = encode(Exhibits{{{hash_of(1), hash_of(2), hash_of(3), {0, 1}, 9}}});
    expect_bound(decode_exhibits, kMaxExhibitsPerMessage, Bytes(note.begin() + 4, note.end()));
    // A text is a list of its bytes.
    expect_bound([&](const Bytes& text) { return decode_addresses(list(1, text)); },
                 kMaxAddressBytes, {'a'});
    Writer asset;
    asset.fixed(hash_of(5));
    asset.u64(kMaxAssetBytes);
    asset.u64(0);
    expect_bound(
        [&](const Bytes& piece) {
            Bytes chunk = asset.out();
            chunk.insert(chunk.end(), piece.begin(), piece.end());
            return decode_asset_chunk(chunk);
        },
        kAssetChunkBytes, {1});
    EXPECT_FALSE(decode_get_headers(list(0, {})).ok()) << "nothing is asked";
    EXPECT_FALSE(decode_inventory(list(0, {}, {1})).ok());
    EXPECT_FALSE(decode_exhibits(list(0, {})).ok());
}

}  // namespace
}  // namespace cairn::node
