// The rules state: everything besides model and coins that a later rule reads. It is small enough
// to be copied whole into undo records. The window of recently merged deltas lives with the model
// (ModelSeam::recent_merges_root); the rules root covers both.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "chain/commitment.h"
#include "chain/network.h"

namespace cairn::consensus {

/// Every mean contains so many virtual contributions, which have the network's start value.
inline constexpr std::uint64_t kVirtualContributions = 16;

/// How many rounds' medians of worth enter the reference of the next.
inline constexpr std::size_t kMedianRounds = 4;

/// A commitment of the current round, and who carried it.
struct OpenCommitment {
    chain::Commitment commitment;
    Hash256 id;
    std::uint32_t carrier_height = 0;
    crypto::PublicKey carrier_miner;
    bool operator==(const OpenCommitment&) const = default;
};

/// What a merged round leaves for later ones. Rounds without contributions leave nothing: after
/// a pause the means are what they were, not the start values.
struct RoundRecord {
    std::uint32_t round = 0;
    std::vector<Hash256> payload_hashes;  ///< sorted; their number is the round's contributions
    std::uint64_t norm_sum = 0;           ///< saturating
    std::uint64_t worth_median = 0;
    bool operator==(const RoundRecord&) const = default;
};

/// What later versions of the rules remember: each a number of its own, for ever, and bytes whose
/// form that version says. None under version 1.
using PlaceId = std::uint16_t;

class RulesState {
  public:
    RulesState() = default;
    /// After genesis.
    explicit RulesState(const chain::NetworkDefinition& network)
        : stamp_factor_(network.share_factor) {}

    /// The open commitment with this id; nullptr if this round carries none. Valid until a change.
    const OpenCommitment* find(const Hash256& commitment_id) const;
    /// Whether the key has a commitment in this round already.
    bool has_commitment_of(const crypto::PublicKey& key) const;
    /// Sorted by id.
    const std::vector<OpenCommitment>& open_commitments() const { return open_; }
    /// The compact target of this round's first block; 0 before it.
    std::uint32_t round_first_target() const { return round_first_target_; }
    /// The block before this round's first; zeros before it.
    const Hash256& round_start() const { return round_start_; }
    /// How many times easier than a block this round's stamps are; between rounds the next one's.
    std::uint32_t stamp_factor() const { return stamp_factor_; }

    /// The round of the recent window that merged this payload; nullptr if none.
    const RoundRecord* merged_in(const Hash256& payload_hash) const;
    /// The latest rounds that merged something, oldest first, at most the network's window_rounds.
    const std::deque<RoundRecord>& recent_rounds() const { return recent_; }
    /// m: integer mean of the norms in the window with the virtual ones.
    std::uint64_t mean_norm(const chain::NetworkDefinition& network) const;
    /// Of the latest kMedianRounds rounds that merged something, or as many as there are.
    std::vector<std::uint64_t> recent_medians() const;

    /// The bytes of a place; nullptr if it does not exist. Valid until a change.
    const Bytes* place(PlaceId id) const;
    void set_place(PlaceId id, Bytes bytes);

    void start_round(const Hash256& start, std::uint32_t first_target);
    /// CHECKs that id and key are new.
    void open(OpenCommitment commitment);
    /// Closes the round: open commitments go, the record joins the window.
    void finish_round(const chain::NetworkDefinition& network, RoundRecord record,
                      std::uint32_t next_stamp_factor);

    /// Hash of this state and the model's window of recent merges.
    Hash256 root(const Hash256& recent_merges_root) const;
    void write(Writer& writer) const;
    static Result<RulesState> read(Reader& reader);

    bool operator==(const RulesState&) const = default;

  private:
    std::uint32_t round_first_target_ = 0;
    Hash256 round_start_;
    std::uint32_t stamp_factor_ = 0;
    std::vector<OpenCommitment> open_;
    std::deque<RoundRecord> recent_;
    std::map<PlaceId, Bytes> places_;
};

}  // namespace cairn::consensus
