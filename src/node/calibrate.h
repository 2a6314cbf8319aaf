// Start values for a new network: how long an honest update is and what it is worth at theta^0,
// measured by making one. C5 and C6 compare contributions with recent ones and, at first, with
// these; a network whose start values are far off refuses or squeezes everybody's first rounds.
#pragma once

#include <cstdint>
#include <vector>

#include "chain/network.h"
#include "tensor/compute.h"

namespace cairn::node {

struct Calibration {
    std::uint64_t norm_start = 0;
    std::uint64_t worth_start = 0;
    std::uint64_t measured_worth = 0;  ///< of the update that was made
    double first_loss = 0;             ///< nats per token, before and after the local steps
    double last_loss = 0;
};

/// Trains one round on `train_tokens` from the network's theta^0. The definition must be complete
/// (texts' hashes included) but for the two start values. worth_start is a quarter of what was
/// measured, since gradients shrink as the model learns. Gives the same on every machine.
Result<Calibration> calibrate(const chain::NetworkDefinition& network,
                              std::vector<std::uint32_t> judge_tokens,
                              std::vector<std::uint32_t> train_tokens,
                              const tensor::Kernels* kernels, std::size_t threads);

}  // namespace cairn::node
