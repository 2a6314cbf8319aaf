// CONSENSUS: changing a result here splits the network.
//
// Sixteen lanes of fp32 as two AVX2 registers. See lanes_scalar.h for what each operation means.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "tensor/kernels/store_avx2.h"

#define CAIRN_LANE_OP [[gnu::always_inline]] static inline

namespace cairn::tensor::kernels {

struct LanesAvx2 {
    __m256 a, b;  ///< lanes 0 to 7, 8 to 15
    using L = LanesAvx2;
    struct Mask {
        __m256 a, b;
    };

    // 10 accumulators, 2 columns of B and a broadcast fit into 16 registers; with 12 the compiler
    // spills.
    static constexpr std::size_t kTileRows = 5;
    static constexpr std::size_t kTileLanes = 1;
    // A narrow tile asks for A so often that its block must lie in a second cache of 512 KB.
    static constexpr std::size_t kBlockChunks = 1;

    CAIRN_LANE_OP L zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
    CAIRN_LANE_OP L set1(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
    CAIRN_LANE_OP L load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
    CAIRN_LANE_OP L load_n(const float* p, std::size_t n) {
        const Mask mask = first(n);
        return {_mm256_maskload_ps(p, _mm256_castps_si256(mask.a)),
                _mm256_maskload_ps(p + 8, _mm256_castps_si256(mask.b))};
    }
    CAIRN_LANE_OP __m128i eight_words(const std::uint16_t* p) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    }
    CAIRN_LANE_OP L load_f16(const std::uint16_t* p) {
        return {_mm256_cvtph_ps(eight_words(p)), _mm256_cvtph_ps(eight_words(p + 8))};
    }
    CAIRN_LANE_OP __m256 half_bf16(__m128i bits) {
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
    }
    CAIRN_LANE_OP L load_bf16(const std::uint16_t* p) {
        return {half_bf16(eight_words(p)), half_bf16(eight_words(p + 8))};
    }
    CAIRN_LANE_OP void store(float* p, L x) {
        _mm256_storeu_ps(p, x.a);
        _mm256_storeu_ps(p + 8, x.b);
    }
    CAIRN_LANE_OP void store_n(float* p, L x, std::size_t n) {
        store_first(p, x.a, n);
        if (n > 8) store_first(p + 8, x.b, n - 8);
    }

    CAIRN_LANE_OP L add(L x, L y) { return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
    CAIRN_LANE_OP L sub(L x, L y) { return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
    CAIRN_LANE_OP L mul(L x, L y) { return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
    CAIRN_LANE_OP L div(L x, L y) { return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
    CAIRN_LANE_OP L sqrt(L x) { return {_mm256_sqrt_ps(x.a), _mm256_sqrt_ps(x.b)}; }
    CAIRN_LANE_OP L fma(L x, L y, L z) {
        return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
    }
    CAIRN_LANE_OP L max(L x, L y) { return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
    CAIRN_LANE_OP L neg(L x) {
        const __m256 sign = _mm256_set1_ps(-0.0F);
        return {_mm256_xor_ps(x.a, sign), _mm256_xor_ps(x.b, sign)};
    }
    CAIRN_LANE_OP L abs(L x) {
        const __m256 sign = _mm256_set1_ps(-0.0F);
        return {_mm256_andnot_ps(sign, x.a), _mm256_andnot_ps(sign, x.b)};
    }

    CAIRN_LANE_OP Mask first(std::size_t n) {
        const __m256i count = _mm256_set1_epi32(static_cast<int>(n));
        const __m256i low = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        const __m256i high = _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15);
        return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(count, low)),
                _mm256_castsi256_ps(_mm256_cmpgt_epi32(count, high))};
    }
    CAIRN_LANE_OP Mask less(L x, L y) {
        return {_mm256_cmp_ps(x.a, y.a, _CMP_LT_OQ), _mm256_cmp_ps(x.b, y.b, _CMP_LT_OQ)};
    }
    CAIRN_LANE_OP Mask is_nan(L x) {
        return {_mm256_cmp_ps(x.a, x.a, _CMP_UNORD_Q), _mm256_cmp_ps(x.b, x.b, _CMP_UNORD_Q)};
    }
    CAIRN_LANE_OP L select(Mask mask, L yes, L no) {
        return {_mm256_blendv_ps(no.a, yes.a, mask.a), _mm256_blendv_ps(no.b, yes.b, mask.b)};
    }

    CAIRN_LANE_OP __m256 half_scaled(__m256 x, __m256 n) {
        const __m256i shift = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
        return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), shift));
    }
    CAIRN_LANE_OP L scale_by_power(L x, L n) {
        return {half_scaled(x.a, n.a), half_scaled(x.b, n.b)};
    }

    CAIRN_LANE_OP L swap_pairs(L x) {
        return {_mm256_permute_ps(x.a, 0xB1), _mm256_permute_ps(x.b, 0xB1)};
    }
    CAIRN_LANE_OP L spread_n(const float* p, std::size_t n) {
        const __m256 x = load_n(p, n).a;
        return {_mm256_permutevar8x32_ps(x, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3)),
                _mm256_permutevar8x32_ps(x, _mm256_setr_epi32(4, 4, 5, 5, 6, 6, 7, 7))};
    }
    CAIRN_LANE_OP Mask odd() {
        const __m256 mask = _mm256_castsi256_ps(_mm256_setr_epi32(0, -1, 0, -1, 0, -1, 0, -1));
        return {mask, mask};
    }

    CAIRN_LANE_OP float fold(L x) {
        const __m256 eight = _mm256_add_ps(x.a, x.b);
        const __m128 four =
            _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
        const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
    }

    /// The same for 8 x 8.
    CAIRN_LANE_OP void transpose_eight(__m256 (&x)[8]) {
        __m256 y[8];
#pragma GCC unroll 4
        for (std::size_t i = 0; i < 8; i += 2) {
            y[i] = _mm256_unpacklo_ps(x[i], x[i + 1]);
            y[i + 1] = _mm256_unpackhi_ps(x[i], x[i + 1]);
        }
        __m256 z[8];
#pragma GCC unroll 2
        for (std::size_t i = 0; i < 8; i += 4) {
            z[i] = _mm256_shuffle_ps(y[i], y[i + 2], 0x44);
            z[i + 1] = _mm256_shuffle_ps(y[i], y[i + 2], 0xEE);
            z[i + 2] = _mm256_shuffle_ps(y[i + 1], y[i + 3], 0x44);
            z[i + 3] = _mm256_shuffle_ps(y[i + 1], y[i + 3], 0xEE);
        }
#pragma GCC unroll 4
        for (std::size_t c = 0; c < 4; ++c) {
            x[c] = _mm256_permute2f128_ps(z[c], z[4 + c], 0x20);
            x[4 + c] = _mm256_permute2f128_ps(z[c], z[4 + c], 0x31);
        }
    }
    /// x[j] lane i becomes x[i] lane j; of fewer than 16 rows the lanes behind them are anything.
    CAIRN_LANE_OP void transpose(L (&x)[16], std::size_t rows = 16) {
        __m256 corner[4][8];
#pragma GCC unroll 8
        for (std::size_t i = 0; i < 8; ++i) {
            corner[0][i] = x[i].a;
            corner[1][i] = x[i].b;
            corner[2][i] = x[8 + i].a;
            corner[3][i] = x[8 + i].b;
        }
        transpose_eight(corner[0]);
        transpose_eight(corner[1]);
        if (rows > 8) {
            transpose_eight(corner[2]);
            transpose_eight(corner[3]);
        }
#pragma GCC unroll 8
        for (std::size_t i = 0; i < 8; ++i) {
            x[i] = {corner[0][i], corner[2][i]};
            x[8 + i] = {corner[1][i], corner[3][i]};
        }
    }
};

}  // namespace cairn::tensor::kernels
