// CONSENSUS: changing a result here splits the network.
#include "worth/model_state.h"

#include <algorithm>

#include "base/encoding.h"
#include "codec/codec.h"
#include "crypto/hash.h"
#include "worth/integer_bytes.h"

namespace cairn::worth {

namespace {

constexpr std::uint32_t kSaveVersion = 1;

/// One parameter as the float that passes compute with. Only the conversion rounds, to nearest
/// even.
float working_copy(std::int32_t q) { return static_cast<float>(q) * 0x1p-24F; }

std::int32_t clamped(std::int64_t value) {
    return static_cast<std::int32_t>(
        std::clamp<std::int64_t>(value, -std::int64_t{kThetaLimit}, kThetaLimit));
}

void take_back(const MergeUndo& undo, std::span<std::int32_t> theta) {
    const auto& delta = undo.merged->values;
    for (std::size_t i = 0; i < theta.size(); ++i)
        theta[i] = static_cast<std::int32_t>(std::int64_t{theta[i]} - delta[i]);
    for (const auto& [index, before] : undo.clamped) theta[index] = before;
}

Hash256 tile_hash(std::span<const std::int32_t> theta, std::size_t tile) {
    return hash_int32("cairn/theta-tile", theta.subspan(tile * codec::kTile, codec::kTile));
}

}  // namespace

std::vector<float> weights_of(std::span<const std::int32_t> theta) {
    std::vector<float> weights(theta.size());
    std::transform(theta.begin(), theta.end(), weights.begin(), working_copy);
    return weights;
}

ModelState::ModelState(const model::ParameterLayout& layout, std::uint64_t weights_seed,
                       std::uint32_t novelty_rounds)
    : layout_(layout),
      novelty_rounds_(novelty_rounds),
      theta_(initial_theta(layout, weights_seed)) {
    CHECK(layout.tile() == codec::kTile);
    CHECK(novelty_rounds <= kMaxNoveltyRounds);
    refresh();
}

void ModelState::refresh() {
    weights_ = weights_of(theta_);
    std::vector<Hash256> leaves(theta_.size() / codec::kTile);
    for (std::size_t tile = 0; tile < leaves.size(); ++tile) leaves[tile] = tile_hash(theta_, tile);
    tree_ = crypto::MerkleTree(leaves);
}

MergeUndo ModelState::merge(std::span<const std::int32_t> delta) {
    CHECK(delta.size() == theta_.size());
    MergeUndo undo;
    for (std::size_t i = 0; i < theta_.size(); ++i) {
        const std::int64_t sum = std::int64_t{theta_[i]} + delta[i];
        const std::int32_t after = clamped(sum);
        if (after != sum) undo.clamped.emplace_back(i, theta_[i]);
        theta_[i] = after;
    }
    refresh();
    undo.merged = std::make_shared<MergedDelta>(
        MergedDelta{{delta.begin(), delta.end()}, hash_int32("cairn/merged-delta", delta)});
    if (novelty_rounds_ == 0) return undo;

    recent_.push_back(undo.merged);
    if (recent_.size() > novelty_rounds_) {
        undo.forgotten = recent_.front();
        recent_.pop_front();
    }
    return undo;
}

void ModelState::undo(const MergeUndo& undo) {
    CHECK(undo.merged != nullptr);
    if (novelty_rounds_ > 0) {
        CHECK(!recent_.empty() && recent_.back()->hash == undo.merged->hash);
        recent_.pop_back();
        if (undo.forgotten != nullptr) recent_.push_front(undo.forgotten);
    }
    take_back(undo, theta_);
    refresh();
}

std::vector<std::int32_t> ModelState::theta_before(std::span<const MergeUndo* const> merges) const {
    std::vector<std::int32_t> theta = theta_;
    for (const MergeUndo* merge : merges) take_back(*merge, theta);
    return theta;
}

std::vector<float> ModelState::weights_after(std::span<const std::int32_t> delta) const {
    CHECK(delta.size() == theta_.size());
    std::vector<float> after(theta_.size());
    for (std::size_t i = 0; i < after.size(); ++i)
        after[i] = working_copy(clamped(std::int64_t{theta_[i]} + delta[i]));
    return after;
}

std::vector<std::span<const std::int32_t>> ModelState::recent_merges() const {
    std::vector<std::span<const std::int32_t>> merges;
    for (const MergedDeltaPtr& merged : recent_) merges.emplace_back(merged->values);
    return merges;
}

Hash256 ModelState::recent_merges_root() const {
    Writer writer;
    writer.count(recent_.size());
    for (const MergedDeltaPtr& merged : recent_) writer.fixed(merged->hash);
    return crypto::tagged_hash("cairn/recent-merges", writer.out());
}

Bytes ModelState::save() const {
    Writer writer;
    writer.u32(kSaveVersion);
    writer.u64(theta_.size());
    append_int32(theta_, writer);
    writer.count(recent_.size());
    for (const MergedDeltaPtr& merged : recent_) append_int32(merged->values, writer);
    return std::move(writer).take();
}

Status ModelState::load(ByteView saved) {
    Reader reader(saved);
    if (reader.u32() != kSaveVersion) return invalid("model state: unknown version");
    if (reader.u64() != theta_.size()) return invalid("model state: made for another model");
    std::vector<std::int32_t> theta = read_int32(reader, theta_.size());
    const std::size_t rounds = reader.count(novelty_rounds_, theta_.size() * 4);
    std::deque<MergedDeltaPtr> recent;
    for (std::size_t i = 0; i < rounds; ++i) {
        auto merged = std::make_shared<MergedDelta>();
        merged->values = read_int32(reader, theta_.size());
        merged->hash = hash_int32("cairn/merged-delta", merged->values);
        recent.push_back(std::move(merged));
    }
    RETURN_IF_ERROR(reader.finish());
    for (const std::int32_t value : theta)
        if (value < -kThetaLimit || value > kThetaLimit)
            return invalid("model state: a parameter beyond +-2^30");

    theta_ = std::move(theta);
    recent_ = std::move(recent);
    refresh();
    return ok_status();
}

}  // namespace cairn::worth
