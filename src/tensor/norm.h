// RMSNorm (Zhang and Sennrich 2019) and its gradient.
//   r = 1/sqrt(sum(x^2)/C + eps), xh = x*r, y = xh*gamma
//   a = dy*gamma, c = dot(a, xh)/C, dx = r*(a - xh*c), dgamma += sum over tokens of dy*xh (rule 1)
#pragma once

#include "tensor/compute.h"
#include "tensor/matrix.h"

namespace cairn::tensor {

/// x, y: [T, C]; gamma: [C]; rstd: [T] receives r for the backward pass, or null.
void rmsnorm_forward(const Compute& compute, ConstMatrix x, const float* gamma, float eps, Matrix y,
                     float* rstd);

/// dy, x, dx: [T, C] (dx is overwritten and may be dy); dgamma: [C] is added to, chunk by chunk.
void rmsnorm_backward(const Compute& compute, ConstMatrix dy, ConstMatrix x, const float* gamma,
                      const float* rstd, Matrix dx, float* dgamma);

}  // namespace cairn::tensor
