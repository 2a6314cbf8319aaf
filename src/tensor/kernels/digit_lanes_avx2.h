// CONSENSUS: changing a result here fails audits.
//
// Vectors of attention by digits for AVX2. See digits_body.h for what each operation means.
#pragma once

#include <immintrin.h>

#include <cstring>

#include "tensor/kernels/digits_body.h"
#include "tensor/kernels/lanes_avx2.h"

namespace cairn::tensor::kernels {

struct DigitLanesAvx2 {
    using V = __m256i;
    static constexpr std::size_t kColumns = 16;

    CAIRN_LANE_OP V zero() { return _mm256_setzero_si256(); }
    CAIRN_LANE_OP V set(std::uint32_t pair) { return _mm256_set1_epi32(static_cast<int>(pair)); }
    CAIRN_LANE_OP V load(const std::int16_t* p) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    }
    CAIRN_LANE_OP V load_n(const std::int16_t* p, std::size_t n) {
        std::int16_t numbers[kColumns] = {};
        std::memcpy(numbers, p, n * sizeof(std::int16_t));
        return load(numbers);
    }
    CAIRN_LANE_OP V low(V a, V b) { return _mm256_unpacklo_epi16(a, b); }
    CAIRN_LANE_OP V high(V a, V b) { return _mm256_unpackhi_epi16(a, b); }
    CAIRN_LANE_OP V add_products(V sum, V a, V b) {
        return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
    }

    CAIRN_LANE_OP void totals(V a, V b, V c, V d, std::int64_t* out) {
        const V ab = pairs_of(halves_of(a), halves_of(b)),
                cd = pairs_of(halves_of(c), halves_of(d));
        const V sums = _mm256_add_epi64(_mm256_permute2x128_si256(ab, cd, 0x20),
                                        _mm256_permute2x128_si256(ab, cd, 0x31));
        _mm256_storeu_si256(reinterpret_cast<V*>(out), sums);
    }
    /// low() has columns 0 to 3 and 8 to 11, high() those behind them.
    CAIRN_LANE_OP void widen(V low, V high, int shift, std::int64_t* sums) {
        add(_mm256_permute2x128_si256(low, high, 0x20), shift, sums);
        add(_mm256_permute2x128_si256(low, high, 0x31), shift, sums + 8);
    }

  private:
    /// Four 64-bit sums of two 32-bit numbers each.
    CAIRN_LANE_OP V halves_of(V x) {
        return _mm256_add_epi64(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(x)),
                                _mm256_cvtepi32_epi64(_mm256_extracti128_si256(x, 1)));
    }
    /// Sums of neighbours, a's and b's by turns.
    CAIRN_LANE_OP V pairs_of(V a, V b) {
        return _mm256_add_epi64(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
    }
    CAIRN_LANE_OP void add(V x, int shift, std::int64_t* sums) {
        const __m128i halves[] = {_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1)};
        for (std::size_t i = 0; i < 2; ++i) {
            const V part = _mm256_slli_epi64(_mm256_cvtepi32_epi64(halves[i]), shift);
            auto* const at = reinterpret_cast<V*>(sums + 4 * i);
            _mm256_storeu_si256(at, _mm256_add_epi64(_mm256_loadu_si256(at), part));
        }
    }
};

}  // namespace cairn::tensor::kernels
