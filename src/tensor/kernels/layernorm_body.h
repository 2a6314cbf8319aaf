// LayerNorm over lanes V, and the column sums for the gradients of beta and of biases.
#pragma once

#include <cstddef>

#include "tensor/kernels/rows_body.h"

namespace cairn::tensor::kernels {

template <typename V>
void layernorm_forward(ConstMatrix x, const float* gamma, const float* beta, float eps, Matrix y,
                       float* mean, float* rstd) {
    const auto n = static_cast<float>(x.cols);
    for (std::size_t t = 0; t < x.rows; ++t) {
        const float* from = x.data + t * x.stride;
        float* to = y.data + t * y.stride;
        const float m = reduce_sum<V>(x.cols, from) / n;
        const V shift = V::set1(m);
        const float squares = reduce_blocks<V>(0, x.cols, [&](std::size_t begin, std::size_t size) {
            return reduce_lanes<V>(size, [&](auto part, V lanes) {
                const V d = V::sub(part.load(from + begin), shift);
                return V::fma(d, d, lanes);
            });
        });
        const float r = 1.0F / __builtin_sqrtf(squares / n + eps);
        for_parts<V>(x.cols, [&](auto part) {
            const V xh = V::mul(V::sub(part.load(from), shift), V::set1(r));
            part.store(to, V::add(V::mul(xh, part.load(gamma)), part.load(beta)));
        });
        if (mean != nullptr) mean[t] = canonical_scalar(m);
        if (rstd != nullptr) rstd[t] = canonical_scalar(r);
    }
}

template <typename V>
void layernorm_backward(ConstMatrix dy, ConstMatrix x, const float* gamma, const float* mean,
                        const float* rstd, Matrix dx) {
    const auto n = static_cast<float>(x.cols);
    for (std::size_t t = 0; t < x.rows; ++t) {
        const float* from = x.data + t * x.stride;
        const float* grad = dy.data + t * dy.stride;
        float* to = dx.data + t * dx.stride;
        const V shift = V::set1(mean[t]);
        const V r = V::set1(rstd[t]);
        const float sum = reduce_blocks<V>(0, x.cols, [&](std::size_t begin, std::size_t size) {
            return reduce_lanes<V>(size, [&](auto part, V lanes) {
                return V::add(lanes, V::mul(part.load(grad + begin), part.load(gamma + begin)));
            });
        });
        const float dot = reduce_blocks<V>(0, x.cols, [&](std::size_t begin, std::size_t size) {
            return reduce_lanes<V>(size, [&](auto part, V lanes) {
                const V a = V::mul(part.load(grad + begin), part.load(gamma + begin));
                const V xh = V::mul(V::sub(part.load(from + begin), shift), r);
                return V::fma(a, xh, lanes);
            });
        });
        const V c1 = V::set1(sum / n);
        const V c2 = V::set1(dot / n);
        for_parts<V>(x.cols, [&](auto part) {
            const V a = V::mul(part.load(grad), part.load(gamma));
            const V xh = V::mul(V::sub(part.load(from), shift), r);
            part.store(to, V::mul(r, V::fma(V::neg(xh), c2, V::sub(a, c1))));
        });
    }
}

template <typename V>
void layernorm_backward_gamma(ConstMatrix dy, ConstMatrix x, const float* mean, const float* rstd,
                              float* dgamma) {
    for (std::size_t chunk = 0; chunk < x.rows; chunk += kChunk) {
        const std::size_t end = x.rows - chunk < kChunk ? x.rows : chunk + kChunk;
        for_parts<V>(x.cols, [&](auto part) {
            V sum = V::zero();
            for (std::size_t t = chunk; t < end; ++t) {
                const V d = V::sub(part.load(x.data + t * x.stride), V::set1(mean[t]));
                sum = V::fma(part.load(dy.data + t * dy.stride), V::mul(d, V::set1(rstd[t])), sum);
            }
            part.store(dgamma, V::add(part.load(dgamma), sum));
        });
    }
}

template <typename V>
void column_sums_accumulate(ConstMatrix x, float* sums) {
    for (std::size_t chunk = 0; chunk < x.rows; chunk += kChunk) {
        const std::size_t end = x.rows - chunk < kChunk ? x.rows : chunk + kChunk;
        for_parts<V>(x.cols, [&](auto part) {
            V sum = V::zero();
            for (std::size_t t = chunk; t < end; ++t)
                sum = V::add(sum, part.load(x.data + t * x.stride));
            part.store(sums, V::add(part.load(sums), sum));
        });
    }
}

}  // namespace cairn::tensor::kernels
