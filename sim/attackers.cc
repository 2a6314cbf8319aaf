#include "sim/attackers.h"

#include <algorithm>

#include "base/random.h"
#include "chain/contribution.h"

namespace cairn::sim {

namespace {

using Deltas = std::vector<std::int32_t>;

}  // namespace

Spoil sign_flipped() {
    return [](Deltas& delta, std::uint32_t) {
        for (std::int32_t& entry : delta) entry = -entry;
    };
}

Spoil scaled_by_10() {
    return [](Deltas& delta, std::uint32_t) {
        for (std::int32_t& entry : delta) entry *= 10;
    };
}

Spoil scaled_by_1_4() {
    return [](Deltas& delta, std::uint32_t) {
        for (std::int32_t& entry : delta) entry += entry * 2 / 5;
    };
}

Spoil random_signs(std::uint64_t seed) {
    // Shared, so that copies of the function continue one sequence.
    return [random = std::make_shared<SeededRandom>(seed)](Deltas& delta, std::uint32_t) {
        for (std::int32_t& entry : delta)
            if (random->u64() % 2 == 0) entry = -entry;
    };
}

Spoil all_zero() {
    return [](Deltas& delta, std::uint32_t) { std::fill(delta.begin(), delta.end(), 0); };
}

Result<node::RoundPayload> SpoilingTrainer::produce(const node::RoundTask& task) {
    ASSIGN_OR_RETURN(node::RoundPayload made, honest_->produce(task));
    if (made.payload.empty()) return made;
    const std::size_t tile_bytes = codec::payload_size(codec_, codec::kTile);
    const std::size_t parameters = made.payload.size() / tile_bytes * codec::kTile;
    ASSIGN_OR_RETURN(auto delta, codec::decode(codec_, made.payload, task.codec_seed, parameters));
    spoil_(delta, task.round);
    made.payload = codec::encode(codec_, delta, task.codec_seed);
    return made;
}

LateCopier::LateCopier(const chain::NetworkDefinition& network, const chain::CodecSpec& codec,
                       std::size_t parameters,
                       std::function<Result<chain::Block>(std::uint32_t)> block_at,
                       std::uint32_t lag)
    : network_(network),
      codec_(codec),
      parameters_(parameters),
      block_at_(std::move(block_at)),
      lag_(lag) {}

Result<node::RoundPayload> LateCopier::produce(const node::RoundTask& task) {
    if (task.round < lag_) return node::RoundPayload{};
    const std::uint32_t round = task.round - lag_;
    const std::uint32_t merge = network_.merge_height(round);
    ASSIGN_OR_RETURN(const chain::Block merged, block_at_(merge));
    for (const chain::Contribution& contribution : merged.contributions) {
        for (std::uint32_t height = merge - network_.round_length + 1; height < merge; ++height) {
            ASSIGN_OR_RETURN(const chain::Block carrier, block_at_(height));
            for (const chain::Commitment& commitment : carrier.commitments) {
                if (chain::commitment_id(commitment) != contribution.commitment_id) continue;
                if (commitment.key == task.key) continue;
                const Hash256 seed =
                    chain::codec_seed(chain::genesis_id(network_), round, commitment.key);
                ASSIGN_OR_RETURN(const auto delta,
                                 codec::decode(codec_, contribution.payload, seed, parameters_));
                return node::RoundPayload{codec::encode(codec_, delta, task.codec_seed), 1, 0};
            }
        }
    }
    return node::RoundPayload{};
}

}  // namespace cairn::sim
