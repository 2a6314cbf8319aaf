// The definition of every operator: plain scalar code that reads like docs/spec/numerics.md and
// is kept for ever. Faster kernels are judged by it; consensus falls back on it before it calls a
// block invalid. Start with matmul.cc and reduce.cc; signatures are those of kernels.h.
#pragma once

#include "tensor/kernels.h"

namespace cairn::tensor::reference {

void matmul_nt(ConstMatrix a, ConstMatrix b, Matrix c);
void matmul_nn(ConstMatrix a, ConstMatrix b, Matrix c);
void matmul_tn_accumulate(ConstMatrix a, ConstMatrix b, Matrix c);
void matmul_packed(ConstMatrix a, WeightType type, const void* panels, Matrix c);

float reduce_sum(std::size_t count, const float* x);
float reduce_dot(std::size_t count, const float* x, const float* y);

void add(std::size_t count, const float* a, const float* b, float* out);
void scale(std::size_t count, float factor, float* x);
void exp(std::size_t count, const float* x, float* out);
void swiglu_forward(std::size_t count, const float* gate, const float* up, float* h);
void swiglu_backward(std::size_t count, const float* dh, const float* gate, const float* up,
                     float* dgate, float* dup);
void gelu_forward(GeluForm form, std::size_t count, const float* x, float* y);
void gelu_backward(GeluForm form, std::size_t count, const float* dy, const float* x, float* dx);
void relu_forward(std::size_t count, const float* x, float* y);
void relu_backward(std::size_t count, const float* dy, const float* x, float* dx);
void adamw(const AdamwCoefficients& coefficients, bool decay, std::size_t count,
           const float* gradient, float* parameter, float* m, float* v);

void rmsnorm_forward(ConstMatrix x, const float* gamma, float eps, Matrix y, float* rstd);
void rmsnorm_backward(ConstMatrix dy, ConstMatrix x, const float* gamma, const float* rstd,
                      Matrix dx);
void rmsnorm_backward_gamma(ConstMatrix dy, ConstMatrix x, const float* rstd, float* dgamma);
void layernorm_forward(ConstMatrix x, const float* gamma, const float* beta, float eps, Matrix y,
                       float* mean, float* rstd);
void layernorm_backward(ConstMatrix dy, ConstMatrix x, const float* gamma, const float* mean,
                        const float* rstd, Matrix dx);
void layernorm_backward_gamma(ConstMatrix dy, ConstMatrix x, const float* mean, const float* rstd,
                              float* dgamma);
void column_sums_accumulate(ConstMatrix x, float* sums);
void rope(const RopeRotation& rotation, Matrix x, std::size_t begin, std::size_t end);
void cross_entropy(ConstMatrix logits, const std::uint32_t* targets, float* losses, Matrix dlogits);

std::size_t attention_forward_scratch(const AttentionShape& shape);
std::size_t attention_backward_scratch(const AttentionShape& shape);
void attention_forward(const AttentionForward& op, std::size_t sequence, std::size_t head,
                       std::size_t begin, std::size_t end, float* scratch);
void attention_digits(const AttentionForward& op, std::size_t sequence, std::size_t head,
                      std::size_t begin, std::size_t end, float* scratch);
void attention_backward(const AttentionBackward& op, std::size_t sequence, std::size_t kv_head,
                        float* scratch);

}  // namespace cairn::tensor::reference
