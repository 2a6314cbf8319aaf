// The start norm for a new network: how long an honest update is at theta^0, measured by making
// one. C5 compares contributions with recent ones and, at first, with this; a network whose start
// norm is far off refuses everybody's first rounds.
#pragma once

#include <cstdint>
#include <vector>

#include "chain/network.h"
#include "tensor/compute.h"

namespace cairn::node {

struct Calibration {
    std::uint64_t norm_start = 0;
    double first_loss = 0;  ///< nats per token, before and after the local steps
    double last_loss = 0;
    double judge_gain = 0;  ///< by which the update lowers the judge text's loss, nats per token
};

/// Trains one round on `train_tokens` from the network's theta^0. The definition must be complete
/// (texts' hashes included) but for the start norm. Gives the same on every machine. kInvalid if
/// the update does not lower the judge text's loss.
Result<Calibration> calibrate(const chain::NetworkDefinition& network,
                              std::vector<std::uint32_t> judge_tokens,
                              std::vector<std::uint32_t> train_tokens,
                              const tensor::Kernels* kernels, std::size_t threads);

}  // namespace cairn::node
