// CONSENSUS: changing a result here splits the network.
//
// Elementwise operators over lanes V, in the order of operations of reference/.
#pragma once

#include <cstddef>

#include "tensor/adamw.h"
#include "tensor/elementary_constants.h"
#include "tensor/kernels/matmul_body.h"

namespace cairn::tensor::kernels {

/// Sixteen elements, or the first n of them at an array's end.
template <typename V, bool kFull>
struct Part {
    std::size_t at;
    std::size_t n;

    V load(const float* p) const {
        if constexpr (kFull)
            return V::load(p + at);
        else
            return V::load_n(p + at, n);
    }
    void store(float* p, V x) const {
        if constexpr (kFull)
            V::store(p + at, canonical_lanes(x));
        else
            V::store_n(p + at, canonical_lanes(x), n);
    }
    /// `changed` where there are elements, `kept` elsewhere.
    V keep(V changed, V kept) const {
        if constexpr (kFull)
            return changed;
        else
            return V::select(V::first(n), changed, kept);
    }
};

template <typename V, typename Body>
[[gnu::always_inline]] inline void for_parts(std::size_t count, const Body& body) {
    std::size_t i = 0;
    for (; i + 16 <= count; i += 16) body(Part<V, true>{i, 16});
    if (i < count) body(Part<V, false>{i, count - i});
}

/// exp_f32 of each lane. kBounded: no lane is above 0 (NaN is allowed).
template <typename V, bool kBounded = false>
[[gnu::always_inline]] inline V exp_lanes(V x) {
    const V lowest = V::set1(kExpLowest);
    const V highest = V::set1(kExpHighest);
    const V shift = V::set1(kRoundingShift);
    V y = V::max(x, lowest);
    if constexpr (!kBounded) y = V::select(V::less(highest, y), highest, y);
    const V n = V::sub(V::fma(y, V::set1(kLog2E), shift), shift);
    const V minus_n = V::neg(n);
    V r = V::fma(minus_n, V::set1(kLn2High), y);
    r = V::fma(minus_n, V::set1(kLn2Low), r);
    V p = V::set1(kExp[4]);
    p = V::fma(p, r, V::set1(kExp[3]));
    p = V::fma(p, r, V::set1(kExp[2]));
    p = V::fma(p, r, V::set1(kExp[1]));
    p = V::fma(p, r, V::set1(kExp[0]));
    p = V::fma(p, r, V::set1(1.0F));
    p = V::fma(p, r, V::set1(1.0F));
    V result = V::scale_by_power(p, n);
    result = V::select(V::less(x, lowest), V::zero(), result);
    if constexpr (!kBounded)
        result = V::select(V::less(highest, x), V::set1(__builtin_inff()), result);
    return V::select(V::is_nan(x), x, result);
}

template <typename V>
[[gnu::always_inline]] inline V sigmoid_lanes(V g) {
    const V one = V::set1(1.0F);
    const V e = exp_lanes<V, true>(V::neg(V::abs(g)));
    return V::div(V::select(V::less(g, V::zero()), e, one), V::add(one, e));
}

template <typename V>
void add(std::size_t count, const float* a, const float* b, float* out) {
    for_parts<V>(count, [&](auto part) { part.store(out, V::add(part.load(a), part.load(b))); });
}

template <typename V>
void scale(std::size_t count, float factor, float* x) {
    for_parts<V>(count, [&](auto part) { part.store(x, V::mul(part.load(x), V::set1(factor))); });
}

template <typename V>
void exp(std::size_t count, const float* x, float* out) {
    for_parts<V>(count, [&](auto part) { part.store(out, exp_lanes(part.load(x))); });
}

template <typename V>
void swiglu_forward(std::size_t count, const float* gate, const float* up, float* h) {
    for_parts<V>(count, [&](auto part) {
        const V g = part.load(gate);
        part.store(h, V::mul(V::mul(g, sigmoid_lanes(g)), part.load(up)));
    });
}

template <typename V>
void swiglu_backward(std::size_t count, const float* dh, const float* gate, const float* up,
                     float* dgate, float* dup) {
    const V one = V::set1(1.0F);
    for_parts<V>(count, [&](auto part) {
        const V g = part.load(gate);
        const V d = part.load(dh);
        const V s = sigmoid_lanes(g);
        const V du = V::mul(d, V::mul(g, s));
        const V slope = V::mul(s, V::fma(g, V::sub(one, s), one));
        const V dg = V::mul(V::mul(d, part.load(up)), slope);
        part.store(dgate, dg);
        part.store(dup, du);
    });
}

template <typename V>
void adamw(const AdamwCoefficients& coefficients, bool decay, std::size_t count,
           const float* gradient, float* parameter, float* m, float* v) {
    const AdamwCoefficients a = coefficients;
    const V decay_factor = V::set1(decay ? a.decay_factor : 1.0F);
    const V minus_rate = V::neg(V::set1(a.learning_rate));
    for_parts<V>(count, [&](auto part) {
        const V g = part.load(gradient);
        const V m1 = V::fma(V::set1(a.beta1), part.load(m), V::mul(V::set1(a.one_minus_beta1), g));
        const V v1 = V::fma(V::set1(a.beta2), part.load(v),
                            V::mul(V::set1(a.one_minus_beta2), V::mul(g, g)));
        const V root = V::sqrt(V::div(v1, V::set1(a.bias2)));
        const V u = V::div(V::div(m1, V::set1(a.bias1)), V::add(root, V::set1(a.eps)));
        part.store(m, m1);
        part.store(v, v1);
        part.store(parameter, V::fma(minus_rate, u, V::mul(part.load(parameter), decay_factor)));
    });
}

}  // namespace cairn::tensor::kernels
