// N10 for weights of any type: a model file with a NaN or an infinity, be it a value or the scale
// of a block, is refused. The check runs once, when a model is loaded, on all processors; it is
// limited by memory speed, and packing the weights has to read all of them anyway.
#pragma once

#include "model/weights.h"

namespace cairn::formats {

/// kInvalid with the tensor's name and row; the weights must be canonical.
Status check_finite(const model::ParameterLayout& layout, const model::Weights& weights);

/// The first row that is not finite, or w.rows.
std::size_t first_bad_row(const tensor::Weight& weight, std::size_t begin, std::size_t end);

}  // namespace cairn::formats
