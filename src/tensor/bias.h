// Biases of linear layers: one add after the product (products are never fused with anything).
#pragma once

#include "tensor/compute.h"
#include "tensor/matrix.h"

namespace cairn::tensor {

/// x[i][j] = x[i][j] + bias[j]. x: [T, C]; bias: [C].
void add_bias(const Compute& compute, const float* bias, Matrix x);

/// dbias[j] += sum over rows of dy[i][j], by N1: chunks of 256 rows, added from +0 in ascending
/// order, straight into dbias. dy: [T, C]; dbias: [C].
void bias_backward_accumulate(const Compute& compute, ConstMatrix dy, float* dbias);

}  // namespace cairn::tensor
