// CONSENSUS: changing a result here splits the network.
#include <cmath>

#include "tensor/elementary.h"
#include "tensor/reference/reference.h"

namespace cairn::tensor::reference {

void swiglu_forward(std::size_t count, const float* gate, const float* up, float* h) {
    for (std::size_t i = 0; i < count; ++i)
        h[i] = canonical((gate[i] * sigmoid_f32(gate[i])) * up[i]);
}

void swiglu_backward(std::size_t count, const float* dh, const float* gate, const float* up,
                     float* dgate, float* dup) {
    for (std::size_t i = 0; i < count; ++i) {
        const float g = gate[i];
        const float s = sigmoid_f32(g);
        const float du = dh[i] * (g * s);
        const float dg = (dh[i] * up[i]) * (s * std::fma(g, 1.0F - s, 1.0F));
        dgate[i] = canonical(dg);
        dup[i] = canonical(du);
    }
}

}  // namespace cairn::tensor::reference
