// CONSENSUS: changing a result here splits the network.
#include "tensor/elementary.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "tensor/elementary_constants.h"

namespace cairn::tensor {

namespace {
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::bit_cast<float>(kNanBits);
}  // namespace

float canonical(float x) { return x == x ? x : kNan; }

float exp_f32(float x) {
    if (x != x) return kNan;
    if (x < kExpLowest) return 0.0F;
    if (x > kExpHighest) return kInfinity;
    const float n = std::fma(x, kLog2E, kRoundingShift) - kRoundingShift;
    float r = std::fma(-n, kLn2High, x);
    r = std::fma(-n, kLn2Low, r);
    float p = kExp[4];
    for (int i = 3; i >= 0; --i) p = std::fma(p, r, kExp[i]);
    p = std::fma(p, r, 1.0F);
    p = std::fma(p, r, 1.0F);
    // times 2^n: p and the result are normal numbers, so the exponents simply add
    const auto bits = std::bit_cast<std::uint32_t>(p);
    const auto shift = static_cast<std::uint32_t>(static_cast<std::int32_t>(n)) << 23;
    return std::bit_cast<float>(bits + shift);
}

float log_f32(float x) {
    if (x != x || x < 0.0F) return kNan;
    if (x == 0.0F) return -kInfinity;
    if (x == kInfinity) return kInfinity;
    int e = 0;
    if (x < std::numeric_limits<float>::min()) {  // subnormal
        x *= 0x1p23F;
        e = -23;
    }
    // x = m 2^e with sqrt(1/2) <= m < sqrt(2)
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const auto offset = bits - std::bit_cast<std::uint32_t>(kSqrtHalf);
    e += static_cast<std::int32_t>(offset) >> 23;
    const float m =
        std::bit_cast<float>((offset & 0x007FFFFFU) + std::bit_cast<std::uint32_t>(kSqrtHalf));
    const float f = m - 1.0F;
    const float f2 = f * f;
    float p = kLog[7];
    for (int i = 6; i >= 0; --i) p = std::fma(p, f, kLog[i]);
    const auto exponent = static_cast<float>(e);
    float tail = std::fma(exponent, kLn2Low, (p * f) * f2);
    tail = std::fma(-0.5F, f2, tail);
    return std::fma(exponent, kLn2High, f + tail);
}

float tanh_f32(float x) {
    if (x != x) return kNan;
    const float a = std::fabs(x);
    float t = 0.0F;
    if (a < kTanhSmall) {
        const float a2 = a * a;
        float p = kTanh[4];
        for (int i = 3; i >= 0; --i) p = std::fma(p, a2, kTanh[i]);
        t = std::fma(a * a2, p, a);
    } else {
        t = 1.0F - 2.0F / (exp_f32(a + a) + 1.0F);
    }
    return std::signbit(x) ? -t : t;
}

float sigmoid_f32(float x) {
    const float e = exp_f32(-std::fabs(x));
    return canonical(x >= 0.0F ? 1.0F / (1.0F + e) : e / (1.0F + e));
}

float erf_f32(float x) {
    if (x != x) return kNan;
    const float a = std::fabs(x);
    if (a < kErfSmallEnd) {
        const float x2 = x * x;
        float p = kErfSmall[5];
        for (int i = 4; i >= 0; --i) p = std::fma(p, x2, kErfSmall[i]);
        return std::fma(x, p, x);
    }
    float result = 1.0F;
    if (a < kErfOne) {
        float p = kErfLarge[6];
        for (int i = 5; i >= 0; --i) p = std::fma(p, a, kErfLarge[i]);
        result = 1.0F - exp_f32(-p);
    }
    return x < 0.0F ? -result : result;
}

}  // namespace cairn::tensor
