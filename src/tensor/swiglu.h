// SwiGLU (Shazeer 2020): h = silu(gate) * up, elementwise.
#pragma once

#include <cstddef>

#include "tensor/compute.h"

namespace cairn::tensor {

/// h[i] = (g*s)*u with s = sigmoid(g). h may be gate or up.
void swiglu_forward(const Compute& compute, std::size_t count, const float* gate, const float* up,
                    float* h);

/// du = dh*(g*s), dg = (dh*u)*(s*(1 + g*(1-s))). dgate and dup may be any of the inputs.
void swiglu_backward(const Compute& compute, std::size_t count, const float* dh, const float* gate,
                     const float* up, float* dgate, float* dup);

}  // namespace cairn::tensor
