// Whether weights are whole: a server, and an auditor, may hold some layers of a model only.
#pragma once

#include "model/layout.h"
#include "model/weights.h"

namespace cairn::model {

/// Whether every parameter of every layer in `range` is there; false for a range that is empty or
/// not the model's.
bool has_layers(const ModelConfig& config, const Weights& weights, LayerRange range);

}  // namespace cairn::model
