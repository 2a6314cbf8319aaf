// Storing a part of an AVX2 register, in pieces: on Zen a masked store is microcode. A product with
// 128 columns spent a third of its time on packing by it.
#pragma once

#include <immintrin.h>

#include <cstddef>

namespace cairn::tensor::kernels {

/// The first n of eight lanes.
[[gnu::always_inline]] static inline void store_first(float* p, __m256 x, std::size_t n) {
    if (n >= 8) return _mm256_storeu_ps(p, x);
    __m128 four = _mm256_castps256_ps128(x);
    if ((n & 4) != 0) {
        _mm_storeu_ps(p, four);
        p += 4;
        four = _mm256_extractf128_ps(x, 1);
    }
    if ((n & 2) != 0) {
        _mm_storel_pi(reinterpret_cast<__m64*>(p), four);
        p += 2;
        four = _mm_movehl_ps(four, four);
    }
    if ((n & 1) != 0) _mm_store_ss(p, four);
}

}  // namespace cairn::tensor::kernels
