// GELU (Hendrycks and Gimpel 2016) in its two forms, GeGLU (Shazeer 2020), and ReLU.
//   kErf:  x * Phi(x), Phi the normal distribution: "gelu" in Hugging Face models, BERT
//   kTanh: x * (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2: "gelu_new", "gelu_pytorch_tanh",
//   GPT-2
// Both are within 2 ulp where the result is a normal number, also far down the negative tail,
// where the formulas as they are usually written cancel; see gelu_f32 in elementary.h.
#pragma once

#include <cstddef>

#include "tensor/compute.h"
#include "tensor/operands.h"

namespace cairn::tensor {

/// y[i] = gelu(x[i]); y may be x.
void gelu_forward(const Compute& compute, GeluForm form, std::size_t count, const float* x,
                  float* y);
/// dx[i] = dy[i] * gelu'(x[i]); dx may be dy or x.
void gelu_backward(const Compute& compute, GeluForm form, std::size_t count, const float* dy,
                   const float* x, float* dx);

/// h[i] = gelu(gate[i]) * up[i], by kTanh's form; h may be gate.
void geglu_forward(const Compute& compute, std::size_t count, const float* gate, const float* up,
                   float* h);
/// dup[i] = dh[i] * gelu(gate[i]), dgate[i] = (dh[i] * up[i]) * gelu'(gate[i]); dup may be dh.
void geglu_backward(const Compute& compute, std::size_t count, const float* dh, const float* gate,
                    const float* up, float* dgate, float* dup);

/// y[i] = x[i] > 0 ? x[i] : +0 (NaN stays NaN); y may be x.
void relu_forward(const Compute& compute, std::size_t count, const float* x, float* y);
/// dx[i] = x[i] > 0 ? dy[i] : +0 (NaN where x is); dx may be dy or x.
void relu_backward(const Compute& compute, std::size_t count, const float* dy, const float* x,
                   float* dx);

}  // namespace cairn::tensor
