// CONSENSUS: changing a result here splits the network.
#include "tensor/swiglu.h"

#include "tensor/kernels.h"
#include "tensor/split.h"

namespace cairn::tensor {

namespace {
constexpr std::size_t kGrain = 32768;
}

void swiglu_forward(const Compute& compute, std::size_t count, const float* gate, const float* up,
                    float* h) {
    split(compute, count, kGrain, [&](std::size_t begin, std::size_t end) {
        compute.kernels->swiglu_forward(end - begin, gate + begin, up + begin, h + begin);
    });
}

void swiglu_backward(const Compute& compute, std::size_t count, const float* dh, const float* gate,
                     const float* up, float* dgate, float* dup) {
    split(compute, count, kGrain, [&](std::size_t begin, std::size_t end) {
        compute.kernels->swiglu_backward(end - begin, dh + begin, gate + begin, up + begin,
                                         dgate + begin, dup + begin);
    });
}

}  // namespace cairn::tensor
