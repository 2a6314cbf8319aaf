// Products of quants for NEON (AArch64), four outputs to a vector: sdot where the compiler may use
// it, else smull and pairwise sums, which stay within 16 bits: two products of full bytes are at
// most 128 * 127 * 2. See dots_scalar.h for what each operation means.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace cairn::tensor::kernels {

struct DotsNeon {
    using Floats = float32x4_t;
    using Sums = int32x4_t;
    using Quants = uint8x16_t;

    static constexpr std::size_t kLanes = 4;
    static constexpr std::size_t kTileRows = 4;
    static constexpr std::size_t kTileVectors = 2;
    static constexpr std::size_t kSteps = 1;
    static constexpr bool kSignsWide = true;

    static inline Floats set1(float x) { return vdupq_n_f32(x); }
    static inline Floats load(const float* p) { return vld1q_f32(p); }
    static inline void store(float* p, Floats a) { vst1q_f32(p, a); }
    static inline void store_n(float* p, Floats a, std::size_t n) {
        float values[kLanes];
        vst1q_f32(values, a);
        for (std::size_t i = 0; i < n; ++i) p[i] = values[i];
    }
    static inline Floats add(Floats a, Floats b) { return vaddq_f32(a, b); }
    static inline Floats mul(Floats a, Floats b) { return vmulq_f32(a, b); }
    static inline Floats fma(Floats a, Floats b, Floats c) { return vfmaq_f32(c, a, b); }
    static inline Floats canonical(Floats a) {
        return vbslq_f32(vceqq_f32(a, a), a, vdupq_n_f32(__builtin_nanf("")));
    }
    static inline Floats f16(const std::uint8_t* p) {
        return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p)));
    }
    static inline Floats u8(const std::uint8_t* p) {
        return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(four_bytes(p)))));
    }
    static inline Floats s8(const std::uint8_t* p) {
        const int8x8_t bytes = vreinterpret_s8_u8(four_bytes(p));
        return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(bytes))));
    }

    static inline Sums set1_sum(std::int32_t x) { return vdupq_n_s32(x); }
    static inline Sums load_sums(const float* p) { return vreinterpretq_s32_f32(vld1q_f32(p)); }
    static inline void store_sums(float* p, Sums a) { vst1q_f32(p, vreinterpretq_f32_s32(a)); }
    static inline Floats to_floats(Sums a) { return vcvtq_f32_s32(a); }

    static inline Quants load_quants(const std::uint8_t* p) { return vld1q_u8(p); }
    static inline Quants low(Quants a) { return vandq_u8(a, vdupq_n_u8(0x0F)); }
    static inline Quants high(Quants a) { return vshrq_n_u8(a, 4); }
    template <std::size_t kShift, int kMask>
    static inline Quants with_high(Quants a, Quants plane) {
        if constexpr (kShift > 4)
            plane = vshrq_n_u8(plane, kShift - 4);
        else if constexpr (kShift < 4)
            plane = vshlq_n_u8(plane, 4 - kShift);
        return vorrq_u8(a, vandq_u8(plane, vdupq_n_u8(kMask << 4)));
    }
    template <bool kWide>
    static inline int8x16_t prepare(Quants a) {
        return vreinterpretq_s8_u8(kWide ? veorq_u8(a, vdupq_n_u8(0x80)) : a);
    }
    static inline Sums dot(Sums sums, const int8x16_t (&w)[kSteps], const std::int32_t* a,
                           std::size_t) {
        const int8x16_t q = vreinterpretq_s8_s32(vdupq_n_s32(*a));
#if defined(__ARM_FEATURE_DOTPROD)
        return vdotq_s32(sums, w[0], q);
#else
        const int16x8_t first = vmull_s8(vget_low_s8(w[0]), vget_low_s8(q));
        const int16x8_t second = vmull_high_s8(w[0], q);
        return vpadalq_s16(sums, vpaddq_s16(first, second));
#endif
    }

  private:
    static inline uint8x8_t four_bytes(const std::uint8_t* p) {
        std::uint32_t word;
        std::memcpy(&word, p, 4);
        return vreinterpret_u8_u32(vdup_n_u32(word));
    }
};

}  // namespace cairn::tensor::kernels
