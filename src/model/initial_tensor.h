// The first values of a single tensor, for parameters of more than one model
// (encoder_decoder_layout.h).
#pragma once

#include "model/layout.h"

namespace cairn::model {

/// Those that initial_parameters() (weights.h) gives tensor number `number` of a model of that
/// shape.
void initialise_tensor(const ModelConfig& config, const TensorInfo& info, std::uint64_t number,
                       std::uint64_t seed, std::span<float> values);

}  // namespace cairn::model
