// CONSENSUS: changing a result here splits the network.
//
// N3's reductions over lanes V, and the operators on rows that use them.
#pragma once

#include <cstddef>

#include "tensor/elementary.h"
#include "tensor/kernels.h"
#include "tensor/kernels/elementwise_body.h"
#include "tensor/reduce.h"

namespace cairn::tensor::kernels {

/// N3 over `count` elements, sixteen at a time: lanes = step(part, lanes) for each part of them.
template <typename V, typename Step>
[[gnu::always_inline]] inline float reduce_lanes(std::size_t count, const Step& step) {
    V lanes = V::zero();
    for_parts<V>(count, [&](auto part) { lanes = part.keep(step(part, lanes), lanes); });
    const float sum = V::fold(lanes);
    return sum == sum ? sum : __builtin_nanf("");
}

/// N3 for any length: block(begin, size) reduces at most 4096 elements.
template <typename V, typename Block>
float reduce_blocks(std::size_t begin, std::size_t count, const Block& block) {
    if (count <= kReduceBlock) return block(begin, count);
    std::size_t unit = kReduceBlock;  // the largest power of 4096 below count: at most 4096 results
    while (unit < count / kReduceBlock || unit * kReduceBlock < count) unit *= kReduceBlock;
    float lanes[16] = {};
    for (std::size_t i = 0, result = 0; i < count; i += unit, ++result)
        lanes[result % 16] +=
            reduce_blocks<V>(begin + i, count - i < unit ? count - i : unit, block);
    const float sum = V::fold(V::load(lanes));
    return sum == sum ? sum : __builtin_nanf("");
}

template <typename V>
float reduce_sum(std::size_t count, const float* x) {
    return reduce_blocks<V>(0, count, [x](std::size_t begin, std::size_t size) {
        return reduce_lanes<V>(
            size, [p = x + begin](auto part, V lanes) { return V::add(lanes, part.load(p)); });
    });
}

template <typename V>
float reduce_dot(std::size_t count, const float* x, const float* y) {
    return reduce_blocks<V>(0, count, [x, y](std::size_t begin, std::size_t size) {
        return reduce_lanes<V>(size, [p = x + begin, q = y + begin](auto part, V lanes) {
            return V::fma(part.load(p), part.load(q), lanes);
        });
    });
}

template <typename V>
void rmsnorm_forward(ConstMatrix x, const float* gamma, float eps, Matrix y, float* rstd) {
    const auto n = static_cast<float>(x.cols);
    for (std::size_t t = 0; t < x.rows; ++t) {
        const float* from = x.data + t * x.stride;
        float* to = y.data + t * y.stride;
        const float r = 1.0F / __builtin_sqrtf(reduce_dot<V>(x.cols, from, from) / n + eps);
        for_parts<V>(x.cols, [&](auto part) {
            part.store(to, V::mul(V::mul(part.load(from), V::set1(r)), part.load(gamma)));
        });
        if (rstd != nullptr) rstd[t] = r == r ? r : __builtin_nanf("");
    }
}

template <typename V>
void rmsnorm_backward(ConstMatrix dy, ConstMatrix x, const float* gamma, const float* rstd,
                      Matrix dx) {
    const auto n = static_cast<float>(x.cols);
    for (std::size_t t = 0; t < x.rows; ++t) {
        const float* from = x.data + t * x.stride;
        const float* grad = dy.data + t * dy.stride;
        float* to = dx.data + t * dx.stride;
        const V r = V::set1(rstd[t]);
        const float dot = reduce_blocks<V>(0, x.cols, [&](std::size_t begin, std::size_t size) {
            return reduce_lanes<V>(size, [&](auto part, V lanes) {
                const V a = V::mul(part.load(grad + begin), part.load(gamma + begin));
                return V::fma(a, V::mul(part.load(from + begin), r), lanes);
            });
        });
        const V c = V::set1(dot / n);
        for_parts<V>(x.cols, [&](auto part) {
            const V a = V::mul(part.load(grad), part.load(gamma));
            const V xh = V::mul(part.load(from), r);
            part.store(to, V::mul(r, V::fma(V::neg(xh), c, a)));
        });
    }
}

template <typename V>
void rmsnorm_backward_gamma(ConstMatrix dy, ConstMatrix x, const float* rstd, float* dgamma) {
    for (std::size_t chunk = 0; chunk < x.rows; chunk += kChunk) {
        const std::size_t end = x.rows - chunk < kChunk ? x.rows : chunk + kChunk;
        for_parts<V>(x.cols, [&](auto part) {
            V sum = V::zero();
            for (std::size_t t = chunk; t < end; ++t) {
                const V xh = V::mul(part.load(x.data + t * x.stride), V::set1(rstd[t]));
                sum = V::fma(part.load(dy.data + t * dy.stride), xh, sum);
            }
            part.store(dgamma, V::add(part.load(dgamma), sum));
        });
    }
}

static inline float canonical_scalar(float x) { return x == x ? x : __builtin_nanf(""); }

/// One head whose pairs are (i, i + pairs).
template <typename V>
inline void rope_halves(std::size_t pairs, const float* cos, const float* sin, V sign, float* x) {
    for_parts<V>(pairs, [&](auto part) {
        const V c = part.load(cos);
        const V s = V::mul(sign, part.load(sin));
        const V x0 = part.load(x);
        const V x1 = part.load(x + pairs);
        part.store(x, V::fma(x0, c, V::neg(V::mul(x1, s))));
        part.store(x + pairs, V::fma(x0, s, V::mul(x1, c)));
    });
}

/// Pairs (2i, 2i + 1), eight of them in the lanes, rotated by c and s (each spread over both).
template <typename V>
inline V turned_pairs(V own, V c, V s) {
    const V other = V::swap_pairs(own);
    const V first = V::fma(own, c, V::neg(V::mul(other, s)));
    const V second = V::fma(other, s, V::mul(own, c));
    return canonical_lanes(V::select(V::odd(), second, first));
}

/// One head whose pairs are (2i, 2i + 1). The last lanes of a head that does not fill them overlap
/// the ones before (the same values twice): a partial store would stall the next head's loads.
template <typename V>
inline void rope_interleaved(std::size_t pairs, const float* cos, const float* sin, V sign,
                             float* x) {
    if (pairs < 8) {
        const V c = V::spread_n(cos, pairs);
        const V s = V::mul(sign, V::spread_n(sin, pairs));
        V::store_n(x, turned_pairs(V::load_n(x, 2 * pairs), c, s), 2 * pairs);
        return;
    }
    const std::size_t last = pairs - 8;
    const V end = V::load(x + 2 * last);
    for (std::size_t p = 0; p < last; p += 8) {
        const V s = V::mul(sign, V::spread_n(sin + p, 8));
        V::store(x + 2 * p, turned_pairs(V::load(x + 2 * p), V::spread_n(cos + p, 8), s));
    }
    const V s = V::mul(sign, V::spread_n(sin + last, 8));
    V::store(x + 2 * last, turned_pairs(end, V::spread_n(cos + last, 8), s));
}

template <typename V>
void rope(const RopeRotation& rotation, Matrix x, std::size_t begin, std::size_t end) {
    const std::size_t pairs = rotation.pairs;
    const V sign = V::set1(rotation.sign);
    for (std::size_t i = begin; i < end; ++i) {
        const std::size_t position = rotation.rows.first + i % rotation.rows.tokens;
        const float* cos = rotation.cos + position * pairs;
        const float* sin = rotation.sin + position * pairs;
        float* row = x.data + i * x.stride;
        for (std::size_t head = 0; head < x.cols; head += 2 * pairs) {
            if (rotation.pairing == RopePairing::kInterleaved)
                rope_interleaved<V>(pairs, cos, sin, sign, row + head);
            else
                rope_halves<V>(pairs, cos, sin, sign, row + head);
        }
    }
}

template <typename V>
void cross_entropy_row(std::size_t vocab, const float* z, std::size_t target, float* loss,
                       float* dz) {
    V most = V::set1(-__builtin_inff());
    for_parts<V>(vocab, [&](auto part) { most = part.keep(V::max(part.load(z), most), most); });
    float lanes[16];
    V::store(lanes, most);
    float m = lanes[0];
    for (std::size_t i = 1; i < 16; ++i) m = lanes[i] > m ? lanes[i] : m;
    const V shift = V::set1(m);
    const float at_target = z[target];
    const float total = reduce_blocks<V>(0, vocab, [&](std::size_t begin, std::size_t size) {
        return reduce_lanes<V>(size, [&](auto part, V sum) {
            const V e = exp_lanes<V, true>(V::sub(part.load(z + begin), shift));
            if (dz != nullptr) part.store(dz + begin, e);
            return V::add(sum, e);
        });
    });
    *loss = canonical_scalar(log_f32(total) - (at_target - m));
    if (dz == nullptr) return;
    const V divisor = V::set1(total);
    for_parts<V>(vocab, [&](auto part) { part.store(dz, V::div(part.load(dz), divisor)); });
    dz[target] = canonical_scalar(dz[target] - 1.0F);
}

template <typename V>
void cross_entropy(ConstMatrix logits, const std::uint32_t* targets, float* losses,
                   Matrix dlogits) {
    for (std::size_t t = 0; t < logits.rows; ++t)
        cross_entropy_row<V>(logits.cols, logits.data + t * logits.stride, targets[t], losses + t,
                             dlogits.data == nullptr ? nullptr : dlogits.data + t * dlogits.stride);
}

}  // namespace cairn::tensor::kernels
