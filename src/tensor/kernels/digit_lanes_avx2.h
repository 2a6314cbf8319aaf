// CONSENSUS: changing a result here fails audits.
//
// Integer operations of attention by digits for AVX2. See digits_body.h for what each means.
#pragma once

#include <immintrin.h>

#include "tensor/kernels/digits_body.h"

namespace cairn::tensor::kernels {

struct DigitLanesAvx2 {
    // Two products fit into 32 bits, since no number is -32768, but more do not: the upper and
    // lower halves of such pairs are added apart.
    [[gnu::always_inline]] static std::int64_t dot(const std::int16_t* a, const std::int16_t* b,
                                                   std::size_t count) {
        __m256i high = _mm256_setzero_si256(), low = high;
        std::size_t i = 0;
        for (; i + 16 <= count; i += 16) {
            const __m256i pairs = _mm256_madd_epi16(load(a + i), load(b + i));
            high = _mm256_add_epi32(high, _mm256_srai_epi32(pairs, 16));
            low = _mm256_add_epi32(low, _mm256_and_si256(pairs, _mm256_set1_epi32(0xFFFF)));
        }
        const std::int64_t rest = DigitLanesScalar::dot(a + i, b + i, count - i);
        return total(high) * 65536 + total(low) + rest;
    }

    static void weigh(const std::int64_t* weights, DigitRows values, std::size_t rows,
                      std::size_t count, std::int64_t* sums) {
        std::size_t c = 0;
        for (; c + 32 <= count; c += 32) weigh_vectors<8>(weights, values, rows, c, sums);
        for (; c + 4 <= count; c += 4) weigh_vectors<1>(weights, values, rows, c, sums);
        if (c < count)
            DigitLanesScalar::weigh(weights, {values.data + c, values.stride}, rows, count - c,
                                    sums + c);
    }

  private:
    [[gnu::always_inline]] static __m256i load(const std::int16_t* p) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    }
    [[gnu::always_inline]] static std::int64_t total(__m256i x) {
        alignas(32) std::int32_t lanes[8];
        _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), x);
        std::int64_t sum = 0;
        for (const std::int32_t lane : lanes) sum += lane;
        return sum;
    }
    // N vectors of 4 columns from column c on.
    template <std::size_t N>
    [[gnu::always_inline]] static void weigh_vectors(const std::int64_t* weights, DigitRows values,
                                                     std::size_t rows, std::size_t c,
                                                     std::int64_t* sums) {
        __m256i sum[N];
        for (std::size_t n = 0; n < N; ++n) sum[n] = _mm256_setzero_si256();
        for (std::size_t j = 0; j < rows; ++j) {
            if (weights[j] == 0) continue;
            const __m256i weight = _mm256_set1_epi64x(weights[j]);
            for (std::size_t n = 0; n < N; ++n) {
                const auto* at = reinterpret_cast<const __m128i*>(values.row(j) + c + 4 * n);
                const __m256i value = _mm256_cvtepi16_epi64(_mm_loadl_epi64(at));
                sum[n] = _mm256_add_epi64(sum[n], _mm256_mul_epi32(weight, value));
            }
        }
        for (std::size_t n = 0; n < N; ++n)
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + c + 4 * n), sum[n]);
    }
};

}  // namespace cairn::tensor::kernels
