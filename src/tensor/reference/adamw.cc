#include "tensor/adamw.h"

#include <cmath>

#include "tensor/elementary.h"
#include "tensor/reference/reference.h"

namespace cairn::tensor::reference {

void adamw(const AdamwCoefficients& coefficients, bool decay, std::size_t count,
           const float* gradient, float* parameter, float* m, float* v) {
    const AdamwCoefficients& a = coefficients;
    const float decay_factor = decay ? a.decay_factor : 1.0F;
    for (std::size_t i = 0; i < count; ++i) {
        const float g = gradient[i];
        m[i] = canonical(std::fma(a.beta1, m[i], a.one_minus_beta1 * g));
        v[i] = canonical(std::fma(a.beta2, v[i], a.one_minus_beta2 * (g * g)));
        const float u = (m[i] / a.bias1) / (std::sqrt(v[i] / a.bias2) + a.eps);
        parameter[i] = canonical(std::fma(-a.learning_rate, u, parameter[i] * decay_factor));
    }
}

}  // namespace cairn::tensor::reference
