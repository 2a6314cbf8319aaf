#include "tensor/gelu.h"

#include <algorithm>

#include "tensor/elementary.h"
#include "tensor/kernels.h"
#include "tensor/split.h"

namespace cairn::tensor {

namespace {
constexpr std::size_t kGrain = 32768;
}

void gelu_forward(const Compute& compute, GeluForm form, std::size_t count, const float* x,
                  float* y) {
    split(compute, count, kGrain, [&](std::size_t begin, std::size_t end) {
        compute.kernels->gelu_forward(form, end - begin, x + begin, y + begin);
    });
}

void gelu_backward(const Compute& compute, GeluForm form, std::size_t count, const float* dy,
                   const float* x, float* dx) {
    split(compute, count, kGrain, [&](std::size_t begin, std::size_t end) {
        compute.kernels->gelu_backward(form, end - begin, dy + begin, x + begin, dx + begin);
    });
}

namespace {

/// out[i] = a[i] * b[i]; out may be a or b.
void multiply(std::size_t count, const float* a, const float* b, float* out) {
    for (std::size_t i = 0; i < count; ++i) out[i] = canonical(a[i] * b[i]);
}

}  // namespace

void geglu_forward(const Compute& compute, std::size_t count, const float* gate, const float* up,
                   float* h) {
    split(compute, count, kGrain, [&](std::size_t begin, std::size_t end) {
        compute.kernels->gelu_forward(GeluForm::kTanh, end - begin, gate + begin, h + begin);
        multiply(end - begin, h + begin, up + begin, h + begin);
    });
}

void geglu_backward(const Compute& compute, std::size_t count, const float* dh, const float* gate,
                    const float* up, float* dgate, float* dup) {
    constexpr std::size_t kPiece = 256;
    split(compute, count, kGrain, [&](std::size_t begin, std::size_t end) {
        float activated[kPiece];
        for (std::size_t i = begin; i < end; i += kPiece) {
            const std::size_t n = std::min(kPiece, end - i);
            multiply(n, dh + i, up + i, dgate + i);
            compute.kernels->gelu_forward(GeluForm::kTanh, n, gate + i, activated);
            multiply(n, dh + i, activated, dup + i);
            compute.kernels->gelu_backward(GeluForm::kTanh, n, dgate + i, gate + i, dgate + i);
        }
    });
}

void relu_forward(const Compute& compute, std::size_t count, const float* x, float* y) {
    split(compute, count, kGrain, [&](std::size_t begin, std::size_t end) {
        compute.kernels->relu_forward(end - begin, x + begin, y + begin);
    });
}

void relu_backward(const Compute& compute, std::size_t count, const float* dy, const float* x,
                   float* dx) {
    split(compute, count, kGrain, [&](std::size_t begin, std::size_t end) {
        compute.kernels->relu_backward(end - begin, dy + begin, x + begin, dx + begin);
    });
}

}  // namespace cairn::tensor
