// AdamW (Loshchilov and Hutter 2017) and clipping by the global norm. Belongs to a training
// recipe, not to consensus.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tensor/compute.h"
#include "tensor/operands.h"

namespace cairn::tensor {

struct AdamwSettings {
    double learning_rate = 1e-3;
    double beta1 = 0.9;
    double beta2 = 0.95;
    double eps = 1e-8;
    double weight_decay = 0.1;
};

/// `step` counts from 1.
AdamwCoefficients adamw_coefficients(const AdamwSettings& settings, std::uint64_t step);

/// One step in place; m and v are the running moments. `decay`: true for matrices only.
void adamw_update(const Compute& compute, const AdamwCoefficients& coefficients, bool decay,
                  std::size_t count, const float* gradient, float* parameter, float* m, float* v);

/// sqrt of the sum of squares over all tensors: N3 per tensor, then over tensors.
float global_norm(const Compute& compute, std::span<const std::span<const float>> tensors);
/// The factor that clips a gradient of `norm` to `limit`: limit / norm, or 1 (then skip the
/// product). Apply with scale().
float clip_factor(float norm, float limit);

}  // namespace cairn::tensor
