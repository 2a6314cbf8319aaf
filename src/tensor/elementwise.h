// Sums and scalings of whole arrays: residual branches, leaf trees, gradient averaging.
#pragma once

#include <cstddef>

#include "tensor/compute.h"

namespace cairn::tensor {

/// out[i] = a[i] + b[i]; out may be a or b.
void add(const Compute& compute, std::size_t count, const float* a, const float* b, float* out);
/// x[i] = x[i] * factor.
void scale(const Compute& compute, std::size_t count, float factor, float* x);
/// Whether no element is NaN or infinite (N10: such values cross no border).
bool all_finite(std::size_t count, const float* x);

}  // namespace cairn::tensor
