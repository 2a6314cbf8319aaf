// CONSENSUS: changing a result here splits the network.
#include "consensus/rules_state.h"

#include <algorithm>

#include "base/check.h"
#include "base/int128.h"
#include "crypto/hash.h"

namespace cairn::consensus {
namespace {

constexpr std::size_t kMaxOpen = 4096 * 15;      // max_commitments * (M - 1), network_fields.h
constexpr std::size_t kMaxRounds = 1024;         // window_rounds
constexpr std::size_t kMaxPayloadHashes = 1024;  // max_contributions
constexpr std::size_t kMaxPlaces = 256;
constexpr std::size_t kMaxPlaceBytes = std::size_t{1} << 24;

RoundRecord read_record(Reader& reader) {
    RoundRecord record;
    record.round = reader.u32();
    record.norm_sum = reader.u64();
    record.worth_median = reader.u64();
    const std::size_t hashes = reader.count(kMaxPayloadHashes, 32);
    if (!reader.failed() && hashes == 0) reader.fail("rules state: a recorded round is empty");
    for (std::size_t i = 0; i < hashes; ++i) {
        record.payload_hashes.push_back(reader.fixed<32>());
        if (i > 0 && !(record.payload_hashes[i - 1] < record.payload_hashes[i]))
            reader.fail("rules state: payload hashes must be sorted, each once");
    }
    return record;
}

bool id_below(const OpenCommitment& open, const Hash256& id) { return open.id < id; }

}  // namespace

const OpenCommitment* RulesState::find(const Hash256& commitment_id) const {
    const auto found = std::lower_bound(open_.begin(), open_.end(), commitment_id, id_below);
    return found != open_.end() && found->id == commitment_id ? &*found : nullptr;
}

bool RulesState::has_commitment_of(const crypto::PublicKey& key) const {
    return std::any_of(open_.begin(), open_.end(),
                       [&](const OpenCommitment& open) { return open.commitment.key == key; });
}

const RoundRecord* RulesState::merged_in(const Hash256& payload_hash) const {
    for (const RoundRecord& record : recent_) {
        if (std::binary_search(record.payload_hashes.begin(), record.payload_hashes.end(),
                               payload_hash))
            return &record;
    }
    return nullptr;
}

std::uint64_t RulesState::mean_norm(const chain::NetworkDefinition& network) const {
    Uint128 total = static_cast<Uint128>(network.norm_start) * kVirtualContributions;
    std::uint64_t count = kVirtualContributions;
    for (const RoundRecord& record : recent_) {
        total += record.norm_sum;
        count += record.payload_hashes.size();
    }
    return static_cast<std::uint64_t>(total / count);
}

std::vector<std::uint64_t> RulesState::recent_medians() const {
    std::vector<std::uint64_t> medians;
    const std::size_t count = std::min(recent_.size(), kMedianRounds);
    for (std::size_t i = recent_.size() - count; i < recent_.size(); ++i)
        medians.push_back(recent_[i].worth_median);
    return medians;
}

const Bytes* RulesState::place(PlaceId id) const {
    const auto found = places_.find(id);
    return found == places_.end() ? nullptr : &found->second;
}

void RulesState::set_place(PlaceId id, Bytes bytes) {
    CHECK(bytes.size() <= kMaxPlaceBytes);
    places_[id] = std::move(bytes);
    CHECK(places_.size() <= kMaxPlaces);
}

void RulesState::start_round(const Hash256& start, std::uint32_t first_target) {
    CHECK(open_.empty());
    round_start_ = start;
    round_first_target_ = first_target;
}

void RulesState::open(OpenCommitment commitment) {
    CHECK(find(commitment.id) == nullptr && !has_commitment_of(commitment.commitment.key));
    const auto at = std::lower_bound(open_.begin(), open_.end(), commitment.id, id_below);
    open_.insert(at, std::move(commitment));
}

void RulesState::finish_round(const chain::NetworkDefinition& network, RoundRecord record,
                              std::uint32_t next_stamp_factor) {
    open_.clear();
    round_first_target_ = 0;
    round_start_ = Hash256{};
    stamp_factor_ = next_stamp_factor;
    if (record.payload_hashes.empty()) return;
    recent_.push_back(std::move(record));
    while (recent_.size() > network.window_rounds) recent_.pop_front();
}

Hash256 RulesState::root(const Hash256& recent_merges_root) const {
    static const crypto::TaggedHasher hasher("cairn/rules-root");
    Writer writer;
    write(writer);
    return hasher(recent_merges_root.view(), writer.out());
}

void RulesState::write(Writer& writer) const {
    writer.u32(round_first_target_);
    writer.fixed(round_start_);
    writer.u32(stamp_factor_);
    writer.count(open_.size());
    for (const OpenCommitment& open : open_) {
        chain::write(writer, open.commitment);
        writer.u32(open.carrier_height);
        writer.fixed(open.carrier_miner);
    }
    writer.count(recent_.size());
    for (const RoundRecord& record : recent_) {
        writer.u32(record.round);
        writer.u64(record.norm_sum);
        writer.u64(record.worth_median);
        writer.count(record.payload_hashes.size());
        for (const Hash256& hash : record.payload_hashes) writer.fixed(hash);
    }
    writer.count(places_.size());
    for (const auto& [id, bytes] : places_) {
        writer.u16(id);
        writer.bytes(bytes);
    }
}

Result<RulesState> RulesState::read(Reader& reader) {
    RulesState state;
    state.round_first_target_ = reader.u32();
    state.round_start_ = reader.fixed<32>();
    state.stamp_factor_ = reader.u32();
    if (!reader.failed() && state.stamp_factor_ == 0)
        reader.fail("rules state: stamps as hard as none can be");
    const std::size_t opens = reader.count(kMaxOpen, chain::kCommitmentBytes + 36);
    for (std::size_t i = 0; i < opens; ++i) {
        OpenCommitment open;
        open.commitment = chain::read_commitment(reader);
        open.id = chain::commitment_id(open.commitment);
        open.carrier_height = reader.u32();
        open.carrier_miner = reader.fixed<32>();
        if (i > 0 && !(state.open_[i - 1].id < open.id))
            reader.fail("rules state: commitments must be sorted, each once");
        state.open_.push_back(std::move(open));
    }
    const std::size_t rounds = reader.count(kMaxRounds, 24 + 32);
    for (std::size_t i = 0; i < rounds; ++i) {
        state.recent_.push_back(read_record(reader));
        if (i > 0 && state.recent_[i - 1].round >= state.recent_[i].round)
            reader.fail("rules state: rounds must ascend");
    }
    const std::size_t places = reader.count(kMaxPlaces, 6);
    for (std::size_t i = 0; i < places && !reader.failed(); ++i) {
        const PlaceId id = reader.u16();
        if (!state.places_.empty() && state.places_.rbegin()->first >= id)
            reader.fail("rules state: places must ascend");
        state.places_[id] = reader.bytes(kMaxPlaceBytes);
    }
    RETURN_IF_ERROR(reader.status());
    return state;
}

}  // namespace cairn::consensus
