#include "tensor/gelu.h"

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
