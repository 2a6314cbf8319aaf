// What the store keeps about blocks beyond their bytes, and about peers: plain values that the node
// fills from the rules' reports and that `cairn explain`, the wallet and the dashboard read back.
// No rule reads them. What they say about the active chain can be made again by replaying it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/int128.h"
#include "crypto/keys.h"

namespace cairn::store {

/// How far a block has come. A block only moves forward, except that `kBody` becomes `kHeader`
/// again when its body turns out to be damaged on our disk.
enum class BlockStatus : std::uint8_t {
    kHeader = 0,   ///< the header is known and its work is real
    kBody = 1,     ///< the body is on disk, not judged yet
    kValid = 2,    ///< every rule holds
    kInvalid = 3,  ///< a rule is broken, for ever; `reason` says which
};

struct HeaderRecord {
    Hash256 hash;
    Hash256 previous;
    std::uint64_t height = 0;
    Bytes header;  ///< canonical bytes, at most kMaxHeaderBytes
    Hash256 work;  ///< of the chain up to here: 256-bit number, big-endian
    BlockStatus status = BlockStatus::kHeader;
    std::string reason;         ///< only for kInvalid
    std::uint64_t arrival = 0;  ///< set by the store: 1, 2, 3 ... in the order of add_header
};

struct TipRecord {
    Hash256 hash;
    std::uint64_t height = 0;
};

/// Why a contribution earned what it earned, or why it is in no block.
struct ContributionRecord {
    Hash256 commitment_id;
    crypto::PublicKey contributor;
    std::uint64_t round = 0;
    std::uint64_t height = 0;  ///< of the merge block that carries it, or would have
    Hash256 block;             ///< that block; zero if none that we know carries it
    bool merged = false;
    std::string reason;  ///< one sentence, for people
    Int128 score = 0;
    std::uint64_t norm = 0;
    Int128 worth = 0;
    Int128 worth_reference = 0;  ///< w_ref when it was judged
    std::uint64_t reward = 0;    ///< smallest units of the coin
};

/// One merge block. Losses are in nats per token.
struct MergeRecord {
    std::uint64_t height = 0;
    Hash256 block;
    std::uint64_t time_ms = 0;
    std::optional<double> report_loss;  ///< computed after the block joined: set_report_loss
    std::vector<double> source_losses;  ///< of several report texts, likewise; else empty
    std::optional<double> judge_loss_before;
    std::optional<double> judge_loss_after;
    std::uint32_t contributions = 0;
    std::uint64_t minted = 0;
    Hash256 state_root;
    std::string sample;  ///< what the model wrote after this merge; may be empty
};

/// What one key got and gave in one payment. A payer who gets change has both.
struct PaymentParty {
    crypto::PublicKey key;
    std::uint64_t received = 0;
    std::uint64_t spent = 0;
};

/// A payment (or coinbase) of a connected block.
struct PaymentRecord {
    Hash256 id;
    bool coinbase = false;
    std::vector<PaymentParty> parties;
};

/// Where a payment is on the active chain.
struct PaymentPlace {
    std::uint64_t height = 0;
    Hash256 block;
    std::uint32_t position = 0;  ///< in the block; the coinbase is 0
};

/// One line of a wallet's history.
struct HistoryEntry {
    Hash256 payment;
    PaymentPlace place;
    bool coinbase = false;
    std::uint64_t received = 0;
    std::uint64_t spent = 0;
};

/// What the active chain has given to one key.
struct Earnings {
    std::uint64_t minted = 0;  ///< by coinbases: for blocks, contributions and commitments carried
    std::uint64_t merged = 0;  ///< its contributions that were merged
};

/// All that is recorded when a block joins the active chain.
struct BlockRecords {
    Hash256 hash;
    std::uint64_t height = 0;
    std::vector<PaymentRecord> payments;
    std::vector<ContributionRecord> contributions;
    std::optional<MergeRecord> merge;
};

/// A step of the active chain: some blocks leave it, others join.
struct TipChange {
    std::vector<Hash256> disconnected;    ///< from the old tip downwards
    std::vector<BlockRecords> connected;  ///< upwards; each is marked kValid
    TipRecord tip;                        ///< afterwards
};

struct SnapshotRecord {
    std::uint64_t height = 0;
    Hash256 block;
};

struct PeerRecord {
    std::string address;    ///< "host:port", unique
    crypto::PublicKey key;  ///< zero when never connected
    std::uint64_t last_seen_ms = 0;
    std::uint32_t failures = 0;  ///< in a row
};

}  // namespace cairn::store
