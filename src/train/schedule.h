// The learning rate of a step: linear warm-up, then a cosine down to a floor, computed in double
// with this program's own functions, so that every machine takes the same rate.
#pragma once

#include <cstdint>

#include "train/recipe.h"

namespace cairn::train {

/// Rate of step `step`, counted from 0. Past total_steps it stays at the floor; with total_steps
/// 0 it stays at the peak.
double learning_rate(const Recipe& recipe, std::uint64_t step);

}  // namespace cairn::train
