// CONSENSUS: changing a result here splits the network.
//
// Sixteen lanes of fp32 as one AVX-512 register. See lanes_scalar.h for what each operation means.
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

#include <cstddef>
#include <cstdint>

#define CAIRN_LANE_OP [[gnu::always_inline]] static inline

namespace cairn::tensor::kernels {

struct LanesAvx512 {
    __m512 v;
    using L = LanesAvx512;
    using Mask = __mmask16;

    // 24 accumulators, 2 columns of B and a broadcast fit into 32 registers.
    static constexpr std::size_t kTileRows = 12;
    static constexpr std::size_t kTileLanes = 2;
    static constexpr std::size_t kBlockChunks = 4;

    CAIRN_LANE_OP L zero() { return {_mm512_setzero_ps()}; }
    CAIRN_LANE_OP L set1(float x) { return {_mm512_set1_ps(x)}; }
    CAIRN_LANE_OP L load(const float* p) { return {_mm512_loadu_ps(p)}; }
    CAIRN_LANE_OP L load_n(const float* p, std::size_t n) {
        return {_mm512_maskz_loadu_ps(first(n), p)};
    }
    CAIRN_LANE_OP L load_f16(const std::uint16_t* p) {
        return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
    }
    CAIRN_LANE_OP L load_bf16(const std::uint16_t* p) {
        const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
        return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16))};
    }
    CAIRN_LANE_OP void store(float* p, L a) { _mm512_storeu_ps(p, a.v); }
    CAIRN_LANE_OP void store_n(float* p, L a, std::size_t n) {
        _mm512_mask_storeu_ps(p, first(n), a.v);
    }

    CAIRN_LANE_OP L add(L a, L b) { return {_mm512_add_ps(a.v, b.v)}; }
    CAIRN_LANE_OP L sub(L a, L b) { return {_mm512_sub_ps(a.v, b.v)}; }
    CAIRN_LANE_OP L mul(L a, L b) { return {_mm512_mul_ps(a.v, b.v)}; }
    CAIRN_LANE_OP L div(L a, L b) { return {_mm512_div_ps(a.v, b.v)}; }
    CAIRN_LANE_OP L sqrt(L a) { return {_mm512_sqrt_ps(a.v)}; }
    CAIRN_LANE_OP L fma(L a, L b, L c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
    CAIRN_LANE_OP L max(L a, L b) { return {_mm512_max_ps(a.v, b.v)}; }
    CAIRN_LANE_OP L neg(L a) {
        return {_mm512_castsi512_ps(
            _mm512_xor_si512(_mm512_castps_si512(a.v), _mm512_set1_epi32(INT32_MIN)))};
    }
    CAIRN_LANE_OP L abs(L a) {
        return {_mm512_castsi512_ps(
            _mm512_and_si512(_mm512_castps_si512(a.v), _mm512_set1_epi32(INT32_MAX)))};
    }

    CAIRN_LANE_OP Mask first(std::size_t n) { return static_cast<__mmask16>((1U << n) - 1U); }
    CAIRN_LANE_OP Mask less(L a, L b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ); }
    CAIRN_LANE_OP Mask is_nan(L a) { return _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q); }
    CAIRN_LANE_OP L select(Mask mask, L yes, L no) {
        return {_mm512_mask_blend_ps(mask, no.v, yes.v)};
    }

    CAIRN_LANE_OP L scale_by_power(L a, L n) {
        const __m512i shift = _mm512_slli_epi32(_mm512_cvtps_epi32(n.v), 23);
        return {_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a.v), shift))};
    }

    CAIRN_LANE_OP L swap_pairs(L a) { return {_mm512_permute_ps(a.v, 0xB1)}; }
    CAIRN_LANE_OP L spread_n(const float* p, std::size_t n) {
        const __m512i pairs = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
        return {_mm512_permutexvar_ps(pairs, load_n(p, n).v)};
    }
    CAIRN_LANE_OP Mask odd() { return 0xAAAA; }

    CAIRN_LANE_OP float fold(L a) {
        const __m256 high = _mm512_extractf32x8_ps(a.v, 1);
        const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(a.v), high);
        const __m128 four =
            _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
        const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
    }

    CAIRN_LANE_OP void transpose(L (&x)[16], std::size_t = 16);
};

/// x[j] lane i becomes x[i] lane j.
void LanesAvx512::transpose(L (&x)[16], std::size_t) {
    __m512 a[16];
    __m512 b[16];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 16; i += 2) {
        b[i] = _mm512_unpacklo_ps(x[i].v, x[i + 1].v);
        b[i + 1] = _mm512_unpackhi_ps(x[i].v, x[i + 1].v);
    }
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 16; i += 4) {
        a[i] = _mm512_shuffle_ps(b[i], b[i + 2], 0x44);
        a[i + 1] = _mm512_shuffle_ps(b[i], b[i + 2], 0xEE);
        a[i + 2] = _mm512_shuffle_ps(b[i + 1], b[i + 3], 0x44);
        a[i + 3] = _mm512_shuffle_ps(b[i + 1], b[i + 3], 0xEE);
    }
    // a[4g + c] now holds, in each 128-bit part p, rows 4g .. 4g+3 of column 4p + c
#pragma GCC unroll 4
    for (std::size_t c = 0; c < 4; ++c) {
        b[c] = _mm512_shuffle_f32x4(a[c], a[4 + c], 0x88);
        b[4 + c] = _mm512_shuffle_f32x4(a[c], a[4 + c], 0xDD);
        b[8 + c] = _mm512_shuffle_f32x4(a[8 + c], a[12 + c], 0x88);
        b[12 + c] = _mm512_shuffle_f32x4(a[8 + c], a[12 + c], 0xDD);
    }
#pragma GCC unroll 4
    for (std::size_t c = 0; c < 4; ++c) {
        x[c].v = _mm512_shuffle_f32x4(b[c], b[8 + c], 0x88);
        x[4 + c].v = _mm512_shuffle_f32x4(b[4 + c], b[12 + c], 0x88);
        x[8 + c].v = _mm512_shuffle_f32x4(b[c], b[8 + c], 0xDD);
        x[12 + c].v = _mm512_shuffle_f32x4(b[4 + c], b[12 + c], 0xDD);
    }
}

}  // namespace cairn::tensor::kernels
