// Dishonest trainers: each spoils what an honest trainer made, or takes what others published.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "chain/block.h"
#include "codec/codec.h"
#include "node/delta_source.h"

namespace cairn::sim {

/// Changes a delta: how a trainer spoils what it made.
using Spoil = std::function<void(std::vector<std::int32_t>& delta, std::uint32_t round)>;

/// What `sim_test` holds the rules to and `cairn lab attacks` shows, the same in both.
Spoil sign_flipped();
Spoil scaled_by_10();
/// Still within the band of norms that C5 allows.
Spoil scaled_by_1_4();
/// Each entry keeps its sign or not, by chance from `seed`.
Spoil random_signs(std::uint64_t seed);
Spoil all_zero();

/// Spoils the delta that an honest trainer made for the round, as the rules decode it.
class SpoilingTrainer final : public node::DeltaSource {
  public:
    SpoilingTrainer(std::unique_ptr<node::DeltaSource> honest, const chain::CodecSpec& codec,
                    Spoil spoil)
        : honest_(std::move(honest)), codec_(codec), spoil_(std::move(spoil)) {}

    bool wants_weights() const override { return honest_->wants_weights(); }
    std::uint32_t steps_wanted() const override { return honest_->steps_wanted(); }
    Result<node::RoundPayload> produce(const node::RoundTask& task) override;

  private:
    std::unique_ptr<node::DeltaSource> honest_;
    chain::CodecSpec codec_;
    Spoil spoil_;
};

/// Sends again, under its own name and seed, what another had merged `lag` rounds before.
class LateCopier final : public node::DeltaSource {
  public:
    /// `block_at` gives a block of the active chain as its own node has it.
    LateCopier(const chain::NetworkDefinition& network, const chain::CodecSpec& codec,
               std::size_t parameters,
               std::function<Result<chain::Block>(std::uint32_t height)> block_at,
               std::uint32_t lag = 1);

    bool wants_weights() const override { return false; }
    std::uint32_t steps_wanted() const override { return 0; }
    Result<node::RoundPayload> produce(const node::RoundTask& task) override;

  private:
    chain::NetworkDefinition network_;
    chain::CodecSpec codec_;
    std::size_t parameters_;
    std::function<Result<chain::Block>(std::uint32_t)> block_at_;
    std::uint32_t lag_;
};

}  // namespace cairn::sim
