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
    Writer many;
    many.count(kMaxInventory + 1);
    EXPECT_FALSE(decode_get_headers(many.out()).ok());
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
    unknown[0] = 4;
    EXPECT_FALSE(decode_inventory(unknown).ok());
}

}  // namespace
}  // namespace cairn::node
