// Blocks. A header of 120 bytes carries the proof of work and commits to the body and to the
// whole state after it (model, coins, rules). The body root is a hash over four Merkle roots;
// its leaves keep ids apart from witnesses and payloads, so that those can be pruned alone.
#pragma once

#include <cstdint>
#include <vector>

#include "chain/commitment.h"
#include "chain/contribution.h"
#include "chain/network.h"
#include "chain/payment.h"

namespace cairn::chain {

inline constexpr std::size_t kHeaderBytes = 120;
/// Where the nonce starts in a header's bytes: miners write there.
inline constexpr std::size_t kNonceOffset = 112;
/// Decoders refuse more, and no network may allow more: a link carries no larger message.
inline constexpr std::size_t kMaxBlockBytes = std::size_t{16} << 20;
inline constexpr std::size_t kMaxCoinbaseOutputs = 8192;
inline constexpr std::size_t kMaxListLength = 65536;

struct BlockHeader {
    Versions versions;
    Hash256 previous;
    Hash256 body_root;
    Hash256 state_root;  ///< after the block
    std::uint64_t time_ms = 0;
    std::uint32_t target = 0;  ///< compact (chain/target.h)
    std::uint64_t nonce = 0;
    bool operator==(const BlockHeader&) const = default;
};

/// The two numbers that a merge block chooses (C7): how far its contributions together go, and how
/// far the public step goes behind which they are judged. Both 0 in a block without contributions.
struct MergeSteps {
    std::uint8_t outer_step = 0;   ///< 1 to 15: sqrt(2)^(outer_step - 13)
    std::uint8_t public_step = 0;  ///< 0 to 24: 2^(public_step - 1), unit 2^-24, or nothing
    bool operator==(const MergeSteps&) const = default;
};

/// New coins and fees. The height makes its id unique on a chain.
struct Coinbase {
    std::uint32_t height = 0;
    crypto::PublicKey miner;
    std::vector<Output> outputs;  ///< sorted by key, one for each key, of kind kKey; may be empty
    MergeSteps steps = {};
    bool operator==(const Coinbase&) const = default;
};

struct Block {
    BlockHeader header;
    Coinbase coinbase;
    std::vector<Payment> payments;            ///< sorted by id, without duplicates
    std::vector<Commitment> commitments;      ///< sorted by id, without duplicates
    std::vector<Contribution> contributions;  ///< sorted by commitment id, without duplicates
    bool operator==(const Block&) const = default;
};

FixedBytes<kHeaderBytes> header_bytes(const BlockHeader& header);
Result<BlockHeader> decode_header(ByteView bytes);
BlockHeader read_header(Reader& reader);
/// SHA-256d of the header: the block's name.
Hash256 block_hash(const BlockHeader& header);
/// The number that must meet the header's target.
Hash256 work_hash(WorkFunction work, const BlockHeader& header);

Bytes encode(const Coinbase& coinbase);
Result<Coinbase> decode_coinbase(ByteView bytes);
Hash256 coinbase_id(const Coinbase& coinbase);

Bytes encode(const Block& block);
Result<Block> decode_block(ByteView bytes);

/// Brings the lists into canonical order.
void sort_body(Block& block);
/// Hash over the roots of coinbase, payments, commitments and contributions.
Hash256 body_root(const Block& block);

/// Height 0: previous is the genesis id, the body is empty, no work is needed.
Block make_genesis(const NetworkDefinition& network, const Hash256& state_root);

}  // namespace cairn::chain
