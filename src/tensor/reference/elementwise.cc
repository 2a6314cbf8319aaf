// CONSENSUS: changing a result here splits the network.
#include <cmath>

#include "tensor/elementary.h"
#include "tensor/reference/reference.h"

namespace cairn::tensor::reference {

void add(std::size_t count, const float* a, const float* b, float* out) {
    for (std::size_t i = 0; i < count; ++i) out[i] = canonical(a[i] + b[i]);
}

void scale(std::size_t count, float factor, float* x) {
    for (std::size_t i = 0; i < count; ++i) x[i] = canonical(x[i] * factor);
}

void exp(std::size_t count, const float* x, float* out) {
    for (std::size_t i = 0; i < count; ++i) out[i] = exp_f32(x[i]);
}

}  // namespace cairn::tensor::reference
