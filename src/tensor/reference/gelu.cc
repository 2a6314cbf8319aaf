// GELU without the cancellation of 1 + erf and 1 + tanh far below 0: the tails are computed as what
// they are, a small factor times an exponential whose argument is carried in two floats.
#include "tensor/gelu.h"

#include <bit>
#include <cmath>
#include <cstdint>

#include "tensor/elementary.h"
#include "tensor/elementary_constants.h"
#include "tensor/reference/reference.h"

namespace cairn::tensor {

namespace {

/// e^(high + low) = 2^power * (1 + r + rest).
struct SplitExp {
    float power;
    float r;
    float rest;
};

SplitExp split_exp(float high, float low) {
    const float n = std::fma(high, kLog2E, kRoundingShift) - kRoundingShift;
    const float r = std::fma(-n, kLn2High, high) + std::fma(-n, kLn2Low, low);
    float p = kExp[4];
    for (int i = 3; i >= 0; --i) p = std::fma(p, r, kExp[i]);
    return {n, r, (p * r) * r};
}

/// x * 2^n, where both are normal numbers.
float times_power(float x, float n) {
    const auto shift = static_cast<std::uint32_t>(static_cast<std::int32_t>(n)) << 23;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) + shift);
}

/// e^(-a^2/2): the square is exact in two floats.
SplitExp gauss(float a) {
    const float square = a * a;
    const float low = std::fma(a, a, -square);
    return split_exp(-0.5F * square, -0.5F * low);
}

/// kMills' polynomial is kMills[0] + rest + low: its last two steps keep what they round away, for
/// their terms cancel where a is large.
struct Mills {
    float rest;
    float low;
};

Mills mills(float a) {
    const float u = (a - 1.0F) / std::fma(a, kMillsSlope, 1.0F);
    float w = kMills[9];
    for (int i = 8; i >= 2; --i) w = std::fma(w, u, kMills[i]);
    const float inner = std::fma(w, u, kMills[1]);
    const float inner_low = std::fma(w, u, kMills[1] - inner);
    const float rest = inner * u;
    return {rest, std::fma(inner_low, u, std::fma(inner, u, -rest))};
}

}  // namespace

float gelu_f32(float x) {
    if (x != x) return canonical(x);
    const float a = std::fabs(x);
    if (a < kPhiSmallEnd) {
        const float x2 = x * x;
        float p = kPhi[3];
        for (int i = 2; i >= 0; --i) p = std::fma(p, x2, kPhi[i]);
        return x * std::fma(x, p, 0.5F);
    }
    if (a > kGeluFar) return x > 0.0F ? x : -0.0F;
    const SplitExp e = gauss(a);
    const Mills ratio = mills(a);
    const float w = kMills[0] + ratio.rest;
    const float change = std::fma(e.r, w, std::fma(e.rest, w, ratio.low) + ratio.rest);
    const float tail = times_power(kMills[0] + change, e.power);
    return x > 0.0F ? x - tail : -tail;
}

float gelu_slope_f32(float x) {
    if (x != x) return canonical(x);
    const float a = std::fabs(x);
    if (a < kPhiSmallEnd) {
        const float x2 = x * x;
        float p = kPhiSlope[3];
        for (int i = 2; i >= 0; --i) p = std::fma(p, x2, kPhiSlope[i]);
        return std::fma(x, p, 0.5F);
    }
    if (a > kGeluFar) return x > 0.0F ? 1.0F : 0.0F;
    // Phi(x) + x phi(x); for x < 0: e^(-a^2/2) * (Mills' ratio - a) / sqrt(2 pi)
    const SplitExp e = gauss(a);
    const float w = kMills[0] + mills(a).rest;
    const float density = times_power(1.0F + (e.r + e.rest), e.power);
    const float tail = density * std::fma(-a, kInvSqrt2Pi, w / a);
    return x > 0.0F ? 1.0F - tail : tail;
}

float gelu_tanh_f32(float x) {
    if (x != x) return canonical(x);
    if (std::fabs(x) > kGeluTanhFar) return x > 0.0F ? x : -0.0F;
    // z = x * (A + B x^2) in two floats
    const float x2 = x * x;
    const float x2_low = std::fma(x, x, -x2);
    const float t = kTanhFormB * x2;
    const float t_low =
        std::fma(kTanhFormBLow, x2, std::fma(kTanhFormB, x2_low, std::fma(kTanhFormB, x2, -t)));
    const float w = kTanhFormA + t;
    const float back = w - kTanhFormA;
    const float w_low = ((kTanhFormA - (w - back)) + (t - back)) + (t_low + kTanhFormALow);
    const float z = x * w;
    const float z_low = std::fma(x, w_low, std::fma(x, w, -z));
    // d = 1 + e^-z in two floats, then x / d with one step of correction
    const SplitExp e = split_exp(-z, -z_low);
    const float power = times_power(1.0F, e.power);
    const float one = 1.0F + power;
    const float first = std::fma(power, e.r, one);
    const float d = std::fma(power, e.rest, first);
    const float d_low = std::fma(power, e.rest, first - d) + std::fma(power, e.r, one - first);
    const float inverse = 1.0F / d;
    const float y = x * inverse;
    const float left = std::fma(-y, d_low, std::fma(-y, d, x));
    return std::fma(left, inverse, y);
}

float gelu_tanh_slope_f32(float x) {
    if (x != x) return canonical(x);
    if (std::fabs(x) > kGeluTanhFar) return x > 0.0F ? 1.0F : 0.0F;
    const float x2 = x * x;
    const float z = x * std::fma(kTanhFormB, x2, kTanhFormA);
    const float e = exp_f32(-z);
    const float s = 1.0F / (1.0F + e);
    const float slope = std::fma(kTanhForm3B, x2, kTanhFormA);
    return s * std::fma(x * slope, e * s, 1.0F);
}

namespace reference {

void gelu_forward(GeluForm form, std::size_t count, const float* x, float* y) {
    for (std::size_t i = 0; i < count; ++i)
        y[i] = form == GeluForm::kErf ? gelu_f32(x[i]) : gelu_tanh_f32(x[i]);
}

void gelu_backward(GeluForm form, std::size_t count, const float* dy, const float* x, float* dx) {
    for (std::size_t i = 0; i < count; ++i) {
        const float slope =
            form == GeluForm::kErf ? gelu_slope_f32(x[i]) : gelu_tanh_slope_f32(x[i]);
        dx[i] = canonical(dy[i] * slope);
    }
}

void relu_forward(std::size_t count, const float* x, float* y) {
    for (std::size_t i = 0; i < count; ++i)
        y[i] = x[i] > 0.0F ? x[i] : x[i] == x[i] ? 0.0F : canonical(x[i]);
}

void relu_backward(std::size_t count, const float* dy, const float* x, float* dx) {
    for (std::size_t i = 0; i < count; ++i)
        dx[i] = x[i] > 0.0F ? canonical(dy[i]) : x[i] == x[i] ? 0.0F : canonical(x[i]);
}

}  // namespace reference

}  // namespace cairn::tensor
