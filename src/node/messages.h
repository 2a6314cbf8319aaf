// What nodes say to each other. Each message has a kind and a canonical body with bounds of its
// own; a body that does not decode ends the link. Objects of the chain travel in their own
// encodings (chain/), without anything around them.
//
// A link begins with Hello from both sides; nothing else is read before it. Chains are fetched
// headers first (get_headers, headers), then bodies (get_block, block). Payments, commitments and
// contributions are offered by inventory, so that nobody is sent a payload that he has.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "chain/block.h"
#include "net/network.h"
#include "serve/announce.h"
#include "serve/evidence_desk.h"

namespace cairn::node {

/// The version of the messages below. The link under them has a version of its own (net/hello.h),
/// because layer servers and their clients use links too, without these messages.
inline constexpr std::uint32_t kChainProtocolVersion = 1;

enum class MessageKind : std::uint16_t {
    kHello = 1,
    kGetHeaders = 2,
    kHeaders = 3,  ///< an answer, or the announcement of a new block
    kGetBlock = 4,
    kBlock = 5,  ///< chain::encode(Block)
    kNoBlock = 6,
    kInventory = 7,
    kGetItems = 8,
    kPayment = 9,        ///< chain::encode(Payment)
    kCommitment = 10,    ///< chain::encode(Commitment)
    kContribution = 11,  ///< chain::encode(Contribution)
    kGetAsset = 12,
    kAsset = 13,
    kGetAddresses = 14,
    kAddresses = 15,
    kClock = 16,  ///< what the sender's clock shows: milliseconds since 1970, u64
    kGetServers = 17,
    kServers = 18,
    kExhibits = 35,
    kGetExhibit = 36,
    kExhibit = 37,  ///< serve::encode(Exhibit), at most serve::kMaxSharedExhibit bytes
};

static_assert(chain::kMaxBlockBytes <= net::kMaxMessageBytes, "every valid block can be sent");

inline constexpr std::size_t kMaxLocator = 64;
inline constexpr std::size_t kMaxHeadersPerMessage = 512;
inline constexpr std::size_t kMaxInventory = 256;
inline constexpr std::size_t kMaxAssetBytes = std::size_t{256} << 20;
inline constexpr std::size_t kAssetChunkBytes = std::size_t{512} << 10;
inline constexpr std::size_t kMaxAddresses = 64;
inline constexpr std::size_t kMaxAddressBytes = 256;
inline constexpr std::size_t kMaxServersPerMessage = 64;
inline constexpr std::size_t kMaxExhibitsPerMessage = 64;

/// Who we are and how far our chain has come.
struct Hello {
    std::uint32_t protocol = kChainProtocolVersion;
    Hash256 genesis_id;
    std::uint64_t height = 0;
    Hash256 tip;
    Hash256 work;  ///< of the chain up to the tip, big-endian
    bool operator==(const Hello&) const = default;
};

/// Hashes of a chain from its tip down, ever wider apart, ending in genesis.
struct GetHeaders {
    std::vector<Hash256> locator;
    bool operator==(const GetHeaders&) const = default;
};

/// Consecutive headers, lowest first.
struct Headers {
    std::vector<chain::BlockHeader> headers;
    bool operator==(const Headers&) const = default;
};

enum class ItemKind : std::uint8_t { kPayment = 1, kCommitment = 2, kContribution = 3 };

/// Items that are offered (kInventory) or asked for (kGetItems). A contribution is named by the id
/// of its commitment, which binds its payload.
struct Inventory {
    ItemKind kind = ItemKind::kPayment;
    std::vector<Hash256> ids;
    bool operator==(const Inventory&) const = default;
};

/// A file that the network definition names by hash (assets.h), a piece at a time.
struct GetAsset {
    Hash256 hash;
    std::uint64_t offset = 0;
    bool operator==(const GetAsset&) const = default;
};

struct AssetChunk {
    Hash256 hash;
    std::uint64_t total = 0;  ///< 0: we do not have it
    std::uint64_t offset = 0;
    Bytes bytes;
    bool operator==(const AssetChunk&) const = default;
};

struct Addresses {
    std::vector<std::string> addresses;
    bool operator==(const Addresses&) const = default;
};

/// Layer servers' own announcements, passed on: an answer, or news.
struct Servers {
    std::vector<serve::Announce> records;
    bool operator==(const Servers&) const = default;
};

/// Exhibits that convict layer servers, offered by whoever has judged them (evidence_gossip.h).
struct Exhibits {
    std::vector<serve::ExhibitNote> notes;
    bool operator==(const Exhibits&) const = default;
};

Bytes encode(const Hello& message);
Bytes encode(const GetHeaders& message);
Bytes encode(const Headers& message);
Bytes encode(const Inventory& message);
Bytes encode(const GetAsset& message);
Bytes encode(const AssetChunk& message);
Bytes encode(const Addresses& message);
Bytes encode(const Servers& message);
Bytes encode(const Exhibits& message);
/// kClock.
Bytes encode_clock(std::uint64_t wall_ms);
/// kGetBlock, kNoBlock and kGetExhibit.
Bytes encode_hash(const Hash256& hash);

Result<Hello> decode_hello(ByteView bytes);
Result<GetHeaders> decode_get_headers(ByteView bytes);
Result<Headers> decode_headers(ByteView bytes);
Result<Inventory> decode_inventory(ByteView bytes);
Result<GetAsset> decode_get_asset(ByteView bytes);
Result<AssetChunk> decode_asset_chunk(ByteView bytes);
Result<Addresses> decode_addresses(ByteView bytes);
/// The form alone: signatures are not looked at.
Result<Servers> decode_servers(ByteView bytes);
Result<Exhibits> decode_exhibits(ByteView bytes);
Result<std::uint64_t> decode_clock(ByteView bytes);
Result<Hash256> decode_hash(ByteView bytes);

inline bool send(net::Network& network, net::PeerId peer, MessageKind kind, ByteView body) {
    return network.send(peer, static_cast<std::uint16_t>(kind), body);
}

}  // namespace cairn::node
