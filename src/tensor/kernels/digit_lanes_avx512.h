// CONSENSUS: changing a result here fails audits.
//
// Vectors of attention by digits for AVX-512 with VNNI. See digits_body.h for what each operation
// means.
#pragma once

#include "tensor/kernels/digits_body.h"
#include "tensor/kernels/lanes_avx512.h"  // and the intrinsics

namespace cairn::tensor::kernels {

struct DigitLanesAvx512 {
    using V = __m512i;
    static constexpr std::size_t kColumns = 32;

    CAIRN_LANE_OP V zero() { return _mm512_setzero_si512(); }
    CAIRN_LANE_OP V set(std::uint32_t pair) { return _mm512_set1_epi32(static_cast<int>(pair)); }
    CAIRN_LANE_OP V load(const std::int16_t* p) { return _mm512_loadu_si512(p); }
    CAIRN_LANE_OP V load_n(const std::int16_t* p, std::size_t n) {
        return _mm512_maskz_loadu_epi16((__mmask32{1} << n) - 1, p);
    }
    CAIRN_LANE_OP V low(V a, V b) { return _mm512_unpacklo_epi16(a, b); }
    CAIRN_LANE_OP V high(V a, V b) { return _mm512_unpackhi_epi16(a, b); }
    CAIRN_LANE_OP V add_products(V sum, V a, V b) { return _mm512_dpwssd_epi32(sum, a, b); }

    CAIRN_LANE_OP void totals(V a, V b, V c, V d, std::int64_t* out) {
        const V ab = pairs_of(halves_of(a), halves_of(b)),
                cd = pairs_of(halves_of(c), halves_of(d));
        const V quarters = _mm512_add_epi64(_mm512_shuffle_i64x2(ab, cd, 0x88),
                                            _mm512_shuffle_i64x2(ab, cd, 0xDD));
        const __m256i one = _mm512_castsi512_si256(quarters);
        const __m256i two = _mm512_extracti64x4_epi64(quarters, 1);
        const __m256i sums = _mm256_add_epi64(_mm256_permute2x128_si256(one, two, 0x20),
                                              _mm256_permute2x128_si256(one, two, 0x31));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), sums);
    }
    /// low() has columns 8 L to 8 L + 3 in the L-th quarter, high() the four behind them.
    CAIRN_LANE_OP void widen(V low, V high, int shift, std::int64_t* sums) {
        const V front = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
        const V back = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
        add(_mm512_permutex2var_epi64(low, front, high), shift, sums);
        add(_mm512_permutex2var_epi64(low, back, high), shift, sums + 16);
    }

  private:
    /// Eight 64-bit sums of two 32-bit numbers each.
    CAIRN_LANE_OP V halves_of(V x) {
        return _mm512_add_epi64(_mm512_cvtepi32_epi64(_mm512_castsi512_si256(x)),
                                _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(x, 1)));
    }
    /// Sums of neighbours, a's and b's by turns.
    CAIRN_LANE_OP V pairs_of(V a, V b) {
        return _mm512_add_epi64(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
    }
    CAIRN_LANE_OP void add(V x, int shift, std::int64_t* sums) {
        const __m256i halves[] = {_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1)};
        for (std::size_t i = 0; i < 2; ++i) {
            const V part =
                _mm512_slli_epi64(_mm512_cvtepi32_epi64(halves[i]), static_cast<unsigned>(shift));
            std::int64_t* const at = sums + 8 * i;
            _mm512_storeu_si512(at, _mm512_add_epi64(_mm512_loadu_si512(at), part));
        }
    }
};

}  // namespace cairn::tensor::kernels
