// GELU and ReLU over lanes V, in the order of operations of tensor/reference/gelu.cc. All branches
// are computed, one is chosen.
#pragma once

#include <cstddef>

#include "tensor/gelu.h"
#include "tensor/kernels/elementwise_body.h"

namespace cairn::tensor::kernels {

/// e^(high + low) = 2^power * (1 + r + rest).
template <typename V>
struct SplitExp {
    V power;
    V r;
    V rest;
};

template <typename V>
[[gnu::always_inline]] inline SplitExp<V> split_exp(V high, V low) {
    const V shift = V::set1(kRoundingShift);
    const V n = V::sub(V::fma(high, V::set1(kLog2E), shift), shift);
    const V minus_n = V::neg(n);
    const V r =
        V::add(V::fma(minus_n, V::set1(kLn2High), high), V::fma(minus_n, V::set1(kLn2Low), low));
    V p = V::set1(kExp[4]);
    for (std::size_t i = 4; i-- > 0;) p = V::fma(p, r, V::set1(kExp[i]));
    return {n, r, V::mul(V::mul(p, r), r)};
}

template <typename V>
[[gnu::always_inline]] inline SplitExp<V> gauss(V a) {
    const V half = V::set1(-0.5F);
    const V square = V::mul(a, a);
    const V low = V::fma(a, a, V::neg(square));
    return split_exp(V::mul(half, square), V::mul(half, low));
}

/// kMills' polynomial is kMills[0] + rest + low.
template <typename V>
struct Mills {
    V rest;
    V low;
};

template <typename V>
[[gnu::always_inline]] inline Mills<V> mills(V a) {
    const V one = V::set1(1.0F);
    const V u = V::div(V::sub(a, one), V::fma(a, V::set1(kMillsSlope), one));
    V w = V::set1(kMills[9]);
    for (std::size_t i = 9; i-- > 2;) w = V::fma(w, u, V::set1(kMills[i]));
    const V linear = V::set1(kMills[1]);
    const V inner = V::fma(w, u, linear);
    const V inner_low = V::fma(w, u, V::sub(linear, inner));
    const V rest = V::mul(inner, u);
    return {rest, V::fma(inner_low, u, V::fma(inner, u, V::neg(rest)))};
}

template <typename V>
[[gnu::always_inline]] inline V small_phi(const float (&coefficients)[4], V x) {
    const V x2 = V::mul(x, x);
    V p = V::set1(coefficients[3]);
    for (std::size_t i = 3; i-- > 0;) p = V::fma(p, x2, V::set1(coefficients[i]));
    return V::fma(x, p, V::set1(0.5F));
}

/// x, or the nearest of +-limit. NaN stays NaN.
template <typename V>
[[gnu::always_inline]] inline V magnitude_at_most(V x, float limit) {
    const V top = V::set1(limit);
    x = V::select(V::less(top, x), top, x);
    return V::select(V::less(x, V::neg(top)), V::neg(top), x);
}

/// far_positive or far_negative where |x| > limit; `near` elsewhere; x where it is NaN.
template <typename V>
[[gnu::always_inline]] inline V choose_far(V x, float limit, V far_positive, V far_negative,
                                           V near) {
    V y = V::select(V::less(V::set1(limit), x), far_positive, near);
    y = V::select(V::less(x, V::set1(-limit)), far_negative, y);
    return V::select(V::is_nan(x), x, y);
}

template <typename V>
[[gnu::always_inline]] inline V gelu_lanes(V x) {
    const V near = magnitude_at_most(x, kGeluFar);
    const V a = V::abs(near);
    const auto small = V::less(a, V::set1(kPhiSmallEnd));
    const V inside = V::mul(near, small_phi(kPhi, near));
    const SplitExp<V> e = gauss(a);
    const V first = V::set1(kMills[0]);
    const Mills<V> ratio = mills(a);
    const V w = V::add(first, ratio.rest);
    const V change = V::fma(e.r, w, V::add(V::fma(e.rest, w, ratio.low), ratio.rest));
    const V tail = V::scale_by_power(V::add(first, change), e.power);
    V y = V::select(V::less(V::zero(), near), V::sub(near, tail), V::neg(tail));
    y = V::select(small, inside, y);
    return choose_far(x, kGeluFar, x, V::set1(-0.0F), y);
}

template <typename V>
[[gnu::always_inline]] inline V gelu_slope_lanes(V x) {
    const V one = V::set1(1.0F);
    const V near = magnitude_at_most(x, kGeluFar);
    const V a = V::abs(near);
    const auto small = V::less(a, V::set1(kPhiSmallEnd));
    const V inside = small_phi(kPhiSlope, near);
    const SplitExp<V> e = gauss(a);
    const V w = V::add(V::set1(kMills[0]), mills(a).rest);
    const V density = V::scale_by_power(V::add(one, V::add(e.r, e.rest)), e.power);
    const V tail = V::mul(density, V::fma(V::neg(a), V::set1(kInvSqrt2Pi), V::div(w, a)));
    V y = V::select(V::less(V::zero(), near), V::sub(one, tail), tail);
    y = V::select(small, inside, y);
    return choose_far(x, kGeluFar, one, V::zero(), y);
}

template <typename V>
[[gnu::always_inline]] inline V gelu_tanh_lanes(V x) {
    const V b = V::set1(kTanhFormB);
    const V near = magnitude_at_most(x, kGeluTanhFar);
    const V x2 = V::mul(near, near);
    const V x2_low = V::fma(near, near, V::neg(x2));
    const V t = V::mul(b, x2);
    const V t_low = V::fma(V::set1(kTanhFormBLow), x2, V::fma(b, x2_low, V::fma(b, x2, V::neg(t))));
    const V constant = V::set1(kTanhFormA);
    const V w = V::add(constant, t);
    const V back = V::sub(w, constant);
    const V w_low = V::add(V::add(V::sub(constant, V::sub(w, back)), V::sub(t, back)),
                           V::add(t_low, V::set1(kTanhFormALow)));
    const V z = V::mul(near, w);
    const V z_low = V::fma(near, w_low, V::fma(near, w, V::neg(z)));
    const SplitExp<V> e = split_exp(V::neg(z), V::neg(z_low));
    const V power = V::scale_by_power(V::set1(1.0F), e.power);
    const V one = V::add(V::set1(1.0F), power);
    const V first = V::fma(power, e.r, one);
    const V d = V::fma(power, e.rest, first);
    const V d_low =
        V::add(V::fma(power, e.rest, V::sub(first, d)), V::fma(power, e.r, V::sub(one, first)));
    const V inverse = V::div(V::set1(1.0F), d);
    const V y = V::mul(near, inverse);
    const V left = V::fma(V::neg(y), d_low, V::fma(V::neg(y), d, near));
    return choose_far(x, kGeluTanhFar, x, V::set1(-0.0F), V::fma(left, inverse, y));
}

template <typename V>
[[gnu::always_inline]] inline V gelu_tanh_slope_lanes(V x) {
    const V one = V::set1(1.0F);
    const V near = magnitude_at_most(x, kGeluTanhFar);
    const V x2 = V::mul(near, near);
    const V z = V::mul(near, V::fma(V::set1(kTanhFormB), x2, V::set1(kTanhFormA)));
    const V e = exp_lanes(V::neg(z));
    const V s = V::div(one, V::add(one, e));
    const V slope = V::fma(V::set1(kTanhForm3B), x2, V::set1(kTanhFormA));
    const V y = V::mul(s, V::fma(V::mul(near, slope), V::mul(e, s), one));
    return choose_far(x, kGeluTanhFar, one, V::zero(), y);
}

template <typename V>
void gelu_forward(GeluForm form, std::size_t count, const float* x, float* y) {
    if (form == GeluForm::kErf)
        for_parts<V>(count, [&](auto part) { part.store(y, gelu_lanes(part.load(x))); });
    else
        for_parts<V>(count, [&](auto part) { part.store(y, gelu_tanh_lanes(part.load(x))); });
}

template <typename V>
void gelu_backward(GeluForm form, std::size_t count, const float* dy, const float* x, float* dx) {
    if (form == GeluForm::kErf)
        for_parts<V>(count, [&](auto part) {
            part.store(dx, V::mul(part.load(dy), gelu_slope_lanes(part.load(x))));
        });
    else
        for_parts<V>(count, [&](auto part) {
            part.store(dx, V::mul(part.load(dy), gelu_tanh_slope_lanes(part.load(x))));
        });
}

template <typename V>
void relu_forward(std::size_t count, const float* x, float* y) {
    for_parts<V>(count, [&](auto part) {
        const V v = part.load(x);
        const V kept = V::select(V::is_nan(v), v, V::zero());
        part.store(y, V::select(V::less(V::zero(), v), v, kept));
    });
}

template <typename V>
void relu_backward(std::size_t count, const float* dy, const float* x, float* dx) {
    for_parts<V>(count, [&](auto part) {
        const V v = part.load(x);
        const V kept = V::select(V::is_nan(v), v, V::zero());
        part.store(dx, V::select(V::less(V::zero(), v), part.load(dy), kept));
    });
}

}  // namespace cairn::tensor::kernels
