// CONSENSUS: changing a result here splits the network.
#include <algorithm>
#include <cmath>
#include <vector>

#include "tensor/elementary.h"
#include "tensor/matmul.h"
#include "tensor/reference/reference.h"

namespace cairn::tensor::reference {

void rmsnorm_forward(ConstMatrix x, const float* gamma, float eps, Matrix y, float* rstd) {
    const auto n = static_cast<float>(x.cols);
    for (std::size_t t = 0; t < x.rows; ++t) {
        const float r = 1.0F / std::sqrt(reduce_dot(x.cols, x.row(t), x.row(t)) / n + eps);
        for (std::size_t j = 0; j < x.cols; ++j)
            y.row(t)[j] = canonical((x.row(t)[j] * r) * gamma[j]);
        if (rstd != nullptr) rstd[t] = canonical(r);
    }
}

void rmsnorm_backward(ConstMatrix dy, ConstMatrix x, const float* gamma, const float* rstd,
                      Matrix dx) {
    const auto n = static_cast<float>(x.cols);
    std::vector<float> a(x.cols);
    std::vector<float> xh(x.cols);
    for (std::size_t t = 0; t < x.rows; ++t) {
        for (std::size_t j = 0; j < x.cols; ++j) {
            a[j] = dy.row(t)[j] * gamma[j];
            xh[j] = x.row(t)[j] * rstd[t];
        }
        const float c = reduce_dot(x.cols, a.data(), xh.data()) / n;
        for (std::size_t j = 0; j < x.cols; ++j)
            dx.row(t)[j] = canonical(rstd[t] * std::fma(-xh[j], c, a[j]));
    }
}

void rmsnorm_backward_gamma(ConstMatrix dy, ConstMatrix x, const float* rstd, float* dgamma) {
    for (std::size_t j = 0; j < x.cols; ++j) {
        float result = dgamma[j];
        for (std::size_t chunk = 0; chunk < x.rows; chunk += kChunk) {
            float sum = 0.0F;
            for (std::size_t t = chunk; t < std::min(chunk + kChunk, x.rows); ++t)
                sum = std::fma(dy.row(t)[j], x.row(t)[j] * rstd[t], sum);
            result += sum;
        }
        dgamma[j] = canonical(result);
    }
}

}  // namespace cairn::tensor::reference
