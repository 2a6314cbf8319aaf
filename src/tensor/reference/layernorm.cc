#include <algorithm>
#include <cmath>
#include <vector>

#include "tensor/elementary.h"
#include "tensor/matmul.h"
#include "tensor/reference/reference.h"

namespace cairn::tensor::reference {

void layernorm_forward(ConstMatrix x, const float* gamma, const float* beta, float eps, Matrix y,
                       float* mean, float* rstd) {
    const auto n = static_cast<float>(x.cols);
    std::vector<float> d(x.cols);
    for (std::size_t t = 0; t < x.rows; ++t) {
        const float m = reduce_sum(x.cols, x.row(t)) / n;
        for (std::size_t j = 0; j < x.cols; ++j) d[j] = x.row(t)[j] - m;
        const float r = 1.0F / std::sqrt(reduce_dot(x.cols, d.data(), d.data()) / n + eps);
        for (std::size_t j = 0; j < x.cols; ++j)
            y.row(t)[j] = canonical((d[j] * r) * gamma[j] + beta[j]);
        if (mean != nullptr) mean[t] = canonical(m);
        if (rstd != nullptr) rstd[t] = canonical(r);
    }
}

void layernorm_backward(ConstMatrix dy, ConstMatrix x, const float* gamma, const float* mean,
                        const float* rstd, Matrix dx) {
    const auto n = static_cast<float>(x.cols);
    std::vector<float> a(x.cols);
    std::vector<float> xh(x.cols);
    for (std::size_t t = 0; t < x.rows; ++t) {
        for (std::size_t j = 0; j < x.cols; ++j) {
            a[j] = dy.row(t)[j] * gamma[j];
            xh[j] = (x.row(t)[j] - mean[t]) * rstd[t];
        }
        const float c1 = reduce_sum(x.cols, a.data()) / n;
        const float c2 = reduce_dot(x.cols, a.data(), xh.data()) / n;
        for (std::size_t j = 0; j < x.cols; ++j)
            dx.row(t)[j] = canonical(rstd[t] * std::fma(-xh[j], c2, a[j] - c1));
    }
}

void layernorm_backward_gamma(ConstMatrix dy, ConstMatrix x, const float* mean, const float* rstd,
                              float* dgamma) {
    for (std::size_t j = 0; j < x.cols; ++j) {
        float result = dgamma[j];
        for (std::size_t chunk = 0; chunk < x.rows; chunk += kChunk) {
            float sum = 0.0F;
            for (std::size_t t = chunk; t < std::min(chunk + kChunk, x.rows); ++t)
                sum = std::fma(dy.row(t)[j], (x.row(t)[j] - mean[t]) * rstd[t], sum);
            result += sum;
        }
        dgamma[j] = canonical(result);
    }
}

void column_sums_accumulate(ConstMatrix x, float* sums) {
    for (std::size_t j = 0; j < x.cols; ++j) {
        float result = sums[j];
        for (std::size_t chunk = 0; chunk < x.rows; chunk += kChunk) {
            float sum = 0.0F;
            for (std::size_t t = chunk; t < std::min(chunk + kChunk, x.rows); ++t)
                sum += x.row(t)[j];
            result += sum;
        }
        sums[j] = canonical(result);
    }
}

}  // namespace cairn::tensor::reference
