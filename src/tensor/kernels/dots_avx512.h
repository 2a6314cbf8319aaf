// Products of quants for AVX-512 with VNNI: a step of 16 outputs is one vpdpbusd, which wraps and
// never saturates. See dots_scalar.h for what each operation means.
#pragma once

// GCC 12 takes the deliberately undefined operands inside its own intrinsics for mistakes
// (PR105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <bit>
#include <cstddef>
#include <cstdint>

#define CAIRN_DOT_OP [[gnu::always_inline]] static inline

namespace cairn::tensor::kernels {

struct DotsAvx512 {
    using Floats = __m512;
    using Sums = __m512i;
    using Quants = __m512i;

    // 12 accumulators of each kind, 2 vectors of weights and a broadcast fit into 32 registers.
    static constexpr std::size_t kLanes = 16;
    static constexpr std::size_t kTileRows = 6;
    static constexpr std::size_t kTileVectors = 2;
    static constexpr std::size_t kSteps = 1;
    static constexpr bool kSignsWide = false;

    CAIRN_DOT_OP Floats set1(float x) { return _mm512_set1_ps(x); }
    CAIRN_DOT_OP Floats load(const float* p) { return _mm512_loadu_ps(p); }
    CAIRN_DOT_OP void store(float* p, Floats a) { _mm512_storeu_ps(p, a); }
    CAIRN_DOT_OP void store_n(float* p, Floats a, std::size_t n) {
        _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1U << n) - 1U), a);
    }
    CAIRN_DOT_OP Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
    CAIRN_DOT_OP Floats mul(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
    CAIRN_DOT_OP Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
    CAIRN_DOT_OP Floats canonical(Floats a) {
        const __mmask16 nan = _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
        return _mm512_mask_blend_ps(nan, a, _mm512_set1_ps(__builtin_nanf("")));
    }
    CAIRN_DOT_OP Floats f16(const std::uint8_t* p) {
        return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    }
    CAIRN_DOT_OP Floats u8(const std::uint8_t* p) {
        return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes(p)));
    }
    CAIRN_DOT_OP Floats s8(const std::uint8_t* p) {
        return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes(p)));
    }

    CAIRN_DOT_OP Sums set1_sum(std::int32_t x) { return _mm512_set1_epi32(x); }
    CAIRN_DOT_OP Sums load_sums(const float* p) { return _mm512_loadu_si512(p); }
    CAIRN_DOT_OP void store_sums(float* p, Sums a) { _mm512_storeu_si512(p, a); }
    CAIRN_DOT_OP Floats to_floats(Sums a) { return _mm512_cvtepi32_ps(a); }

    CAIRN_DOT_OP Quants load_quants(const std::uint8_t* p) { return _mm512_loadu_si512(p); }
    CAIRN_DOT_OP Quants low(Quants a) { return _mm512_and_si512(a, _mm512_set1_epi8(0x0F)); }
    CAIRN_DOT_OP Quants high(Quants a) { return low(_mm512_srli_epi16(a, 4)); }
    template <std::size_t kShift, int kMask>
    CAIRN_DOT_OP Quants with_high(Quants a, Quants plane) {
        const Quants mask = _mm512_set1_epi8(static_cast<char>(kMask << 4));
        if constexpr (kShift > 4)
            plane = _mm512_srli_epi16(plane, kShift - 4);
        else if constexpr (kShift < 4)
            plane = _mm512_slli_epi16(plane, 4 - kShift);
        return _mm512_ternarylogic_epi32(a, plane, mask, 0xF8);  // a | (plane & mask)
    }
    template <bool kWide>
    CAIRN_DOT_OP Quants prepare(Quants a) {
        return a;
    }
    CAIRN_DOT_OP Sums dot(Sums sums, const Quants (&w)[kSteps], const std::int32_t* a,
                          std::size_t) {
        return _mm512_dpbusd_epi32(sums, w[0], _mm512_set1_epi32(*a));
    }

    /// Rounding is MXCSR's, to nearest even.
    template <typename Group>
    CAIRN_DOT_OP void quantise_group(const float* x, Group& group) {
        const __m512 a = _mm512_loadu_ps(x);
        const __m512 b = _mm512_loadu_ps(x + 16);
        const __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF);
        const __m512i larger =
            _mm512_max_epu32(_mm512_and_si512(_mm512_castps_si512(a), magnitude),
                             _mm512_and_si512(_mm512_castps_si512(b), magnitude));
        const std::uint32_t bits = largest(larger);
        group.scale = 0.0F;
        group.low_sum = group.high_sum = 0;
        if (bits >= 0x7F800000U) group.scale = __builtin_nanf("");
        if (bits < 0x0D800000U || bits >= 0x7F800000U) {  // below 2^-100, or not finite
            _mm256_store_si256(reinterpret_cast<__m256i*>(group.q), _mm256_setzero_si256());
            return;
        }
        group.scale = std::bit_cast<float>(bits) / 127.0F;
        const __m512 scale = _mm512_set1_ps(group.scale);
        const __m512i low = clamped(_mm512_cvtps_epi32(_mm512_div_ps(a, scale)));
        const __m512i high = clamped(_mm512_cvtps_epi32(_mm512_div_ps(b, scale)));
        const __m256i q = _mm256_set_m128i(_mm512_cvtepi32_epi8(high), _mm512_cvtepi32_epi8(low));
        _mm256_store_si256(reinterpret_cast<__m256i*>(group.q), q);
        // sums of eight quants, each of them 128 too large
        const __m256i sums =
            _mm256_sad_epu8(_mm256_xor_si256(q, _mm256_set1_epi8(-128)), _mm256_setzero_si256());
        const auto sum = [](__m128i pair) {
            return static_cast<std::int32_t>(_mm_cvtsi128_si64(pair) + _mm_extract_epi64(pair, 1)) -
                   16 * 128;
        };
        group.low_sum = sum(_mm256_castsi256_si128(sums));
        group.high_sum = sum(_mm256_extracti128_si256(sums, 1));
    }

  private:
    CAIRN_DOT_OP __m512i clamped(__m512i a) {
        return _mm512_min_epi32(_mm512_max_epi32(a, _mm512_set1_epi32(-127)),
                                _mm512_set1_epi32(127));
    }
    CAIRN_DOT_OP std::uint32_t largest(__m512i a) {
        const __m256i eight =
            _mm256_max_epu32(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64(a, 1));
        __m128i four =
            _mm_max_epu32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
        four = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0x4E));
        four = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0xB1));
        return static_cast<std::uint32_t>(_mm_cvtsi128_si32(four));
    }
    CAIRN_DOT_OP __m128i bytes(const std::uint8_t* p) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    }
};

}  // namespace cairn::tensor::kernels
