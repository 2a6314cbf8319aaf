// RMSNorm (Zhang and Sennrich 2019), LayerNorm (Ba et al. 2016) and their gradients.
//
// RMSNorm:
//   r = 1/sqrt(sum(x^2)/C + eps), xh = x*r, y = xh*gamma
//   a = dy*gamma, c = dot(a, xh)/C, dx = r*(a - xh*c), dgamma += sum over tokens of dy*xh (N1)
// LayerNorm:
//   mean = sum(x)/C, d = x - mean, r = 1/sqrt(sum(d^2)/C + eps), xh = d*r, y = xh*gamma + beta
//   a = dy*gamma, c1 = sum(a)/C, c2 = dot(a, xh)/C, dx = r*((a - c1) - xh*c2),
//   dgamma += sum of dy*xh, dbeta += sum of dy over tokens (N1)
// sum and dot are N3's.
//
// The norm of each head of q or k (Qwen3's q/k norm) is the norm of a view: a contiguous matrix
// [T, heads * d] is the same memory as [T * heads, d], whose rows are the heads:
//   rmsnorm_forward(compute, {q.data, q.rows * heads, d}, gamma, eps, {q.data, q.rows * heads, d},
//                   rstd);          // gamma: [d]; rstd: [T * heads]
#pragma once

#include "tensor/compute.h"
#include "tensor/matrix.h"

namespace cairn::tensor {

/// x, y: [T, C], y may be x; gamma: [C]; rstd: [T] receives r for the backward pass, or null.
void rmsnorm_forward(const Compute& compute, ConstMatrix x, const float* gamma, float eps, Matrix y,
                     float* rstd);

/// dy, x, dx: [T, C] (dx is overwritten and may be dy); dgamma: [C] is added to, chunk by chunk.
void rmsnorm_backward(const Compute& compute, ConstMatrix dy, ConstMatrix x, const float* gamma,
                      const float* rstd, Matrix dx, float* dgamma);

/// x, y: [T, C], y may be x; gamma, beta: [C]; mean, rstd: [T] for the backward pass, or null.
void layernorm_forward(const Compute& compute, ConstMatrix x, const float* gamma, const float* beta,
                       float eps, Matrix y, float* mean, float* rstd);

/// dy, x, dx: [T, C] (dx is overwritten and may be dy); dgamma, dbeta: [C] are added to, chunk by
/// chunk.
void layernorm_backward(const Compute& compute, ConstMatrix dy, ConstMatrix x, const float* gamma,
                        const float* mean, const float* rstd, Matrix dx, float* dgamma,
                        float* dbeta);

}  // namespace cairn::tensor
