// Numerics rule 10 for weights of any type: no NaN and no infinity crosses a file's border, neither
// as a value nor as the scale of a block. Looked for once, when a model is loaded, on all
// processors: that runs at the speed of memory, which packing needs to read everything anyway.
#pragma once

#include "model/weights.h"

namespace cairn::formats {

/// kInvalid with the tensor's name and row; the weights must be canonical.
Status check_finite(const model::ParameterLayout& layout, const model::Weights& weights);

/// The first row that is not finite, or w.rows.
std::size_t first_bad_row(const tensor::Weight& weight, std::size_t begin, std::size_t end);

}  // namespace cairn::formats
