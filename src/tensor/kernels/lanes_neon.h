// CONSENSUS: changing a result here splits the network.
//
// Sixteen lanes of fp32 as four NEON registers (AArch64). See lanes_scalar.h for what each
// operation means.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

namespace cairn::tensor::kernels {

struct LanesNeon {
    float32x4_t v[4];
    using L = LanesNeon;
    struct Mask {
        uint32x4_t v[4];
    };

    // 24 accumulators, 4 registers of B and a broadcast fit into 32 registers.
    static constexpr std::size_t kTileRows = 6;
    static constexpr std::size_t kTileLanes = 1;
    static constexpr std::size_t kBlockChunks = 4;

    template <typename Function>
    [[gnu::always_inline]] static inline L map(const Function& function) {
        return {{function(0), function(1), function(2), function(3)}};
    }
    template <typename Function>
    [[gnu::always_inline]] static inline Mask map_mask(const Function& function) {
        return {{function(0), function(1), function(2), function(3)}};
    }

    static inline L zero() { return set1(0.0F); }
    static inline L set1(float x) {
        const float32x4_t all = vdupq_n_f32(x);
        return {{all, all, all, all}};
    }
    static inline L load(const float* p) {
        return map([&](int i) { return vld1q_f32(p + 4 * i); });
    }
    static inline L load_n(const float* p, std::size_t n) {
        float values[16] = {};
        for (std::size_t i = 0; i < n; ++i) values[i] = p[i];
        return load(values);
    }
    static inline L load_f16(const std::uint16_t* p) {
        return map([&](int i) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 4 * i))); });
    }
    static inline L load_bf16(const std::uint16_t* p) {
        return map([&](int i) {
            return vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(vld1_u16(p + 4 * i)), 16));
        });
    }
    static inline void store(float* p, L a) {
        for (int i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, a.v[i]);
    }
    static inline void store_n(float* p, L a, std::size_t n) {
        float values[16];
        store(values, a);
        for (std::size_t i = 0; i < n; ++i) p[i] = values[i];
    }

    static inline L add(L a, L b) {
        return map([&](int i) { return vaddq_f32(a.v[i], b.v[i]); });
    }
    static inline L sub(L a, L b) {
        return map([&](int i) { return vsubq_f32(a.v[i], b.v[i]); });
    }
    static inline L mul(L a, L b) {
        return map([&](int i) { return vmulq_f32(a.v[i], b.v[i]); });
    }
    static inline L div(L a, L b) {
        return map([&](int i) { return vdivq_f32(a.v[i], b.v[i]); });
    }
    static inline L sqrt(L a) {
        return map([&](int i) { return vsqrtq_f32(a.v[i]); });
    }
    static inline L fma(L a, L b, L c) {
        return map([&](int i) { return vfmaq_f32(c.v[i], a.v[i], b.v[i]); });
    }
    static inline L max(L a, L b) {
        return map([&](int i) { return vbslq_f32(vcgtq_f32(a.v[i], b.v[i]), a.v[i], b.v[i]); });
    }
    static inline L neg(L a) {
        return map([&](int i) { return vnegq_f32(a.v[i]); });
    }
    static inline L abs(L a) {
        return map([&](int i) { return vabsq_f32(a.v[i]); });
    }

    static inline Mask first(std::size_t n) {
        const uint32x4_t count = vdupq_n_u32(static_cast<std::uint32_t>(n));
        const std::uint32_t numbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
        return map_mask([&](int i) { return vcgtq_u32(count, vld1q_u32(numbers + 4 * i)); });
    }
    static inline Mask less(L a, L b) {
        return map_mask([&](int i) { return vcltq_f32(a.v[i], b.v[i]); });
    }
    static inline Mask is_nan(L a) {
        return map_mask([&](int i) { return vmvnq_u32(vceqq_f32(a.v[i], a.v[i])); });
    }
    static inline L select(Mask mask, L yes, L no) {
        return map([&](int i) { return vbslq_f32(mask.v[i], yes.v[i], no.v[i]); });
    }

    static inline L scale_by_power(L a, L n) {
        return map([&](int i) {
            const int32x4_t shift = vshlq_n_s32(vcvtnq_s32_f32(n.v[i]), 23);
            return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(a.v[i]), shift));
        });
    }

    static inline L swap_pairs(L a) {
        return map([&](int i) { return vrev64q_f32(a.v[i]); });
    }
    static inline L spread_n(const float* p, std::size_t n) {
        const L a = load_n(p, n);
        return {{vzip1q_f32(a.v[0], a.v[0]), vzip2q_f32(a.v[0], a.v[0]), vzip1q_f32(a.v[1], a.v[1]),
                 vzip2q_f32(a.v[1], a.v[1])}};
    }
    static inline Mask odd() {
        const uint32x4_t mask = vreinterpretq_u32_u64(vdupq_n_u64(0xFFFFFFFF00000000));
        return {{mask, mask, mask, mask}};
    }

    static inline float fold(L a) {
        const float32x4_t low = vaddq_f32(a.v[0], a.v[2]);
        const float32x4_t high = vaddq_f32(a.v[1], a.v[3]);
        const float32x4_t four = vaddq_f32(low, high);
        const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
        return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
    }

    static inline void transpose(L (&x)[16], std::size_t = 16) {
        float from[256];
        float to[256];
        for (std::size_t i = 0; i < 16; ++i) store(from + 16 * i, x[i]);
        for (std::size_t i = 0; i < 16; ++i)
            for (std::size_t j = 0; j < 16; ++j) to[16 * j + i] = from[16 * i + j];
        for (std::size_t i = 0; i < 16; ++i) x[i] = load(to + 16 * i);
    }
};

}  // namespace cairn::tensor::kernels
