// Products of quants for AVX2, eight outputs to a vector. vpmaddubsw adds two products in 16 bits
// and would saturate above 32767: unsigned quants below 64 stay below 63 * 127 * 2, even two steps
// together; full bytes go as |w| with w's sign moved to a, at most 128 * 127 * 2.
// See dots_scalar.h for what each operation means.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "tensor/kernels/store_avx2.h"

#define CAIRN_DOT_OP [[gnu::always_inline]] static inline

namespace cairn::tensor::kernels {

struct DotsAvx2 {
    using Floats = __m256;
    using Sums = __m256i;
    using Quants = __m256i;
    struct Signed {
        __m256i w, magnitude;
    };

    static constexpr std::size_t kLanes = 8;
    static constexpr std::size_t kTileRows = 4;
    static constexpr std::size_t kTileVectors = 1;
    static constexpr std::size_t kSteps = 2;
    static constexpr bool kSignsWide = true;

    CAIRN_DOT_OP Floats set1(float x) { return _mm256_set1_ps(x); }
    CAIRN_DOT_OP Floats load(const float* p) { return _mm256_loadu_ps(p); }
    CAIRN_DOT_OP void store(float* p, Floats a) { _mm256_storeu_ps(p, a); }
    CAIRN_DOT_OP void store_n(float* p, Floats a, std::size_t n) { store_first(p, a, n); }
    CAIRN_DOT_OP Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
    CAIRN_DOT_OP Floats mul(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
    CAIRN_DOT_OP Floats fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
    CAIRN_DOT_OP Floats canonical(Floats a) {
        const __m256 nan = _mm256_cmp_ps(a, a, _CMP_UNORD_Q);
        return _mm256_blendv_ps(a, _mm256_set1_ps(__builtin_nanf("")), nan);
    }
    CAIRN_DOT_OP Floats f16(const std::uint8_t* p) {
        return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    }
    CAIRN_DOT_OP Floats u8(const std::uint8_t* p) {
        return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(eight_bytes(p)));
    }
    CAIRN_DOT_OP Floats s8(const std::uint8_t* p) {
        return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight_bytes(p)));
    }

    CAIRN_DOT_OP Sums set1_sum(std::int32_t x) { return _mm256_set1_epi32(x); }
    CAIRN_DOT_OP Sums load_sums(const float* p) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    }
    CAIRN_DOT_OP void store_sums(float* p, Sums a) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a);
    }
    CAIRN_DOT_OP Floats to_floats(Sums a) { return _mm256_cvtepi32_ps(a); }

    CAIRN_DOT_OP Quants load_quants(const std::uint8_t* p) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    }
    CAIRN_DOT_OP Quants low(Quants a) { return _mm256_and_si256(a, _mm256_set1_epi8(0x0F)); }
    CAIRN_DOT_OP Quants high(Quants a) { return low(_mm256_srli_epi16(a, 4)); }
    template <std::size_t kShift, int kMask>
    CAIRN_DOT_OP Quants with_high(Quants a, Quants plane) {
        if constexpr (kShift > 4)
            plane = _mm256_srli_epi16(plane, kShift - 4);
        else if constexpr (kShift < 4)
            plane = _mm256_slli_epi16(plane, 4 - kShift);
        const Quants mask = _mm256_set1_epi8(static_cast<char>(kMask << 4));
        return _mm256_or_si256(a, _mm256_and_si256(plane, mask));
    }
    template <bool kWide>
    CAIRN_DOT_OP auto prepare(Quants a) {
        if constexpr (kWide) {
            const __m256i w = _mm256_xor_si256(a, _mm256_set1_epi8(-128));
            return Signed{w, _mm256_abs_epi8(w)};
        } else {
            return a;
        }
    }
    CAIRN_DOT_OP Sums dot(Sums sums, const Quants (&w)[kSteps], const std::int32_t* a,
                          std::size_t stride) {
        const __m256i first = _mm256_maddubs_epi16(w[0], _mm256_set1_epi32(a[0]));
        const __m256i second = _mm256_maddubs_epi16(w[1], _mm256_set1_epi32(a[stride]));
        return _mm256_add_epi32(sums, pairs(_mm256_add_epi16(first, second)));
    }
    CAIRN_DOT_OP Sums dot(Sums sums, const Signed (&w)[kSteps], const std::int32_t* a,
                          std::size_t stride) {
        for (std::size_t step = 0; step < kSteps; ++step) {
            const __m256i q = _mm256_sign_epi8(_mm256_set1_epi32(a[step * stride]), w[step].w);
            sums = _mm256_add_epi32(sums, pairs(_mm256_maddubs_epi16(w[step].magnitude, q)));
        }
        return sums;
    }

  private:
    CAIRN_DOT_OP __m256i pairs(__m256i a) { return _mm256_madd_epi16(a, _mm256_set1_epi16(1)); }
    CAIRN_DOT_OP __m128i eight_bytes(const std::uint8_t* p) {
        return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
    }
};

}  // namespace cairn::tensor::kernels
