// Row reductions by N3: 16 lanes, element i goes to lane i mod 16 in ascending order, lanes
// fold 8, 4, 2, 1; rows longer than 4096 reduce per 4096 and then over the results.
#pragma once

#include <cstddef>

#include "tensor/compute.h"

namespace cairn::tensor {

inline constexpr std::size_t kLanes = 16;
inline constexpr std::size_t kReduceBlock = 4096;

float reduce_sum(const Compute& compute, std::size_t count, const float* x);
/// sum x[i]^2, by fma.
float reduce_sumsq(const Compute& compute, std::size_t count, const float* x);
/// sum x[i] * y[i], by fma ("dot3").
float reduce_dot(const Compute& compute, std::size_t count, const float* x, const float* y);

}  // namespace cairn::tensor
