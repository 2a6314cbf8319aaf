#include "audit/field_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "audit/kernels/field_body.h"

namespace cairn::audit {

namespace {

struct Lanes {
    static constexpr std::size_t kInts = 16;
    using Type = __m512i;

    static Type zero() { return _mm512_setzero_si512(); }
    static Type load(const void* at) { return _mm512_loadu_si512(at); }
    static Type products(Type a, Type b) {
        // Masks of ones: the plain forms make g++ 12 warn of an operand that it does not read.
        constexpr __mmask8 kAll = 0xFF;
        return _mm512_add_epi64(_mm512_maskz_mul_epi32(kAll, a, b),
                                _mm512_maskz_mul_epi32(kAll, _mm512_maskz_srli_epi64(kAll, a, 32),
                                                       _mm512_maskz_srli_epi64(kAll, b, 32)));
    }
    static Type add64(Type a, Type b) { return _mm512_add_epi64(a, b); }
    static Type madd(Type a, Type b) { return _mm512_madd_epi16(a, b); }
    static Type add32(Type a, Type b) { return _mm512_add_epi32(a, b); }
    static Int128 sum64(Type a) { return lane_sum<Int128, std::int64_t>(a); }
    static std::int64_t sum32(Type a) { return lane_sum<std::int64_t, std::int32_t>(a); }
};

}  // namespace

const FieldKernels* avx512_field_kernels() {
    static constexpr FieldKernels kTable = make_field_table<Lanes>();
    return &kTable;
}

}  // namespace cairn::audit

#else

namespace cairn::audit {

const FieldKernels* avx512_field_kernels() { return nullptr; }

}  // namespace cairn::audit

#endif
