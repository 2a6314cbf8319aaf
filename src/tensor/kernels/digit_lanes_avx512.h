// CONSENSUS: changing a result here fails audits.
//
// Integer operations of attention by digits for AVX-512. See digits_body.h for what each means.
#pragma once

#include "tensor/kernels/digits_body.h"
#include "tensor/kernels/lanes_avx512.h"  // and the intrinsics

namespace cairn::tensor::kernels {

struct DigitLanesAvx512 {
    // Two products fit into 32 bits, since no number is -32768, but more do not: the upper and
    // lower halves of such pairs are added apart.
    [[gnu::always_inline]] static std::int64_t dot(const std::int16_t* a, const std::int16_t* b,
                                                   std::size_t count) {
        __m512i high = _mm512_setzero_si512(), low = high;
        const auto add = [&](__m512i x, __m512i y) {
            const __m512i pairs = _mm512_madd_epi16(x, y);
            high = _mm512_add_epi32(high, _mm512_srai_epi32(pairs, 16));
            low = _mm512_add_epi32(low, _mm512_and_si512(pairs, _mm512_set1_epi32(0xFFFF)));
        };
        std::size_t i = 0;
        for (; i + 32 <= count; i += 32) add(_mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i));
        if (i < count) {
            const auto rest = static_cast<__mmask32>((std::uint64_t{1} << (count - i)) - 1);
            add(_mm512_maskz_loadu_epi16(rest, a + i), _mm512_maskz_loadu_epi16(rest, b + i));
        }
        return total(high) * 65536 + total(low);
    }

    static void weigh(const std::int64_t* weights, DigitRows values, std::size_t rows,
                      std::size_t count, std::int64_t* sums) {
        std::size_t c = 0;
        for (; c + 64 <= count; c += 64) weigh_vectors<8>(weights, values, rows, c, 0xFF, sums);
        for (; c + 8 <= count; c += 8) weigh_vectors<1>(weights, values, rows, c, 0xFF, sums);
        if (c < count)
            weigh_vectors<1>(weights, values, rows, c,
                             static_cast<__mmask8>((1U << (count - c)) - 1U), sums);
    }

  private:
    [[gnu::always_inline]] static std::int64_t total(__m512i x) {
        alignas(64) std::int32_t lanes[16];
        _mm512_store_si512(lanes, x);
        std::int64_t sum = 0;
        for (const std::int32_t lane : lanes) sum += lane;
        return sum;
    }
    // N vectors of 8 columns from column c on; of a vector the columns of `mask` only.
    template <std::size_t N>
    [[gnu::always_inline]] static void weigh_vectors(const std::int64_t* weights, DigitRows values,
                                                     std::size_t rows, std::size_t c, __mmask8 mask,
                                                     std::int64_t* sums) {
        __m512i sum[N];
        for (std::size_t n = 0; n < N; ++n) sum[n] = _mm512_setzero_si512();
        for (std::size_t j = 0; j < rows; ++j) {
            if (weights[j] == 0) continue;
            const __m512i weight = _mm512_set1_epi64(weights[j]);
            for (std::size_t n = 0; n < N; ++n) {
                const __m128i narrow = _mm_maskz_loadu_epi16(mask, values.row(j) + c + 8 * n);
                const __m512i value = _mm512_cvtepi16_epi64(narrow);
                sum[n] = _mm512_add_epi64(sum[n], _mm512_mul_epi32(weight, value));
            }
        }
        for (std::size_t n = 0; n < N; ++n)
            _mm512_mask_storeu_epi64(sums + c + 8 * n, mask, sum[n]);
    }
};

}  // namespace cairn::tensor::kernels
