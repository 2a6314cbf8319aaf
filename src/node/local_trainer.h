// The real DeltaSource: K local steps on text that never leaves this machine (train/local_steps),
// encoded by the network's codec and scaled into the band of norms that C5 allows. Worth is
// measured per norm, so the scaling changes nothing but whether the rules take it. (Where every
// block has one winner a payload is merged as it is: there a scaled one is another step than the
// recipe's, which rescaled() tells.)
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "chain/network.h"
#include "codec/codec.h"
#include "model/layout.h"
#include "node/delta_source.h"
#include "tensor/compute.h"
#include "train/trainer.h"

namespace cairn::node {

class LocalTrainer final : public DeltaSource {
  public:
    /// `tokens` is the private text; kInvalid if it is too short for one window. The network's
    /// public_share of what is read comes from the judge text. Computes on `threads` threads of its
    /// own; `seed` decides which windows are read.
    static Result<std::unique_ptr<LocalTrainer>> create(const chain::NetworkDefinition& network,
                                                        std::vector<std::uint32_t> tokens,
                                                        std::span<const std::uint32_t> judge_tokens,
                                                        std::uint64_t seed,
                                                        const tensor::Kernels* kernels,
                                                        std::size_t threads);

    bool wants_weights() const override { return true; }
    std::uint32_t steps_wanted() const override { return network_.recipe.local_steps; }
    Result<RoundPayload> produce(const RoundTask& task) override;
    /// How many payloads so far had to be scaled into the band. Read between runs.
    std::uint64_t rescaled() const { return rescaled_; }

    /// The norm of a decoded change, without padding, as the rules measure it.
    static std::uint64_t decoded_norm(const model::ParameterLayout& layout,
                                      const std::vector<std::int32_t>& decoded);

  private:
    LocalTrainer(const chain::NetworkDefinition& network, std::vector<std::uint32_t> tokens,
                 std::uint64_t seed, const tensor::Kernels* kernels, std::size_t threads);
    Result<Bytes> encode_in_band(std::vector<float> delta, const RoundTask& task);

    chain::NetworkDefinition network_;
    std::vector<std::uint32_t> tokens_;
    model::ParameterLayout layout_;
    chain::CodecSpec codec_;
    ThreadPool pool_;
    tensor::Compute compute_;
    train::Trainer trainer_;
    std::uint64_t rescaled_ = 0;
};

}  // namespace cairn::node
