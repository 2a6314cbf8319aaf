#include "audit/field_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "audit/kernels/field_body.h"

namespace cairn::audit {

namespace {

struct Lanes {
    static constexpr std::size_t kInts = 8;
    using Type = __m256i;

    static Type zero() { return _mm256_setzero_si256(); }
    static Type load(const void* at) { return _mm256_loadu_si256(static_cast<const Type*>(at)); }
    static Type products(Type a, Type b) {
        return _mm256_add_epi64(_mm256_mul_epi32(a, b), _mm256_mul_epi32(_mm256_srli_epi64(a, 32),
                                                                         _mm256_srli_epi64(b, 32)));
    }
    static Type add64(Type a, Type b) { return _mm256_add_epi64(a, b); }
    static Type madd(Type a, Type b) { return _mm256_madd_epi16(a, b); }
    static Type add32(Type a, Type b) { return _mm256_add_epi32(a, b); }
    static Int128 sum64(Type a) { return lane_sum<Int128, std::int64_t>(a); }
    static std::int64_t sum32(Type a) { return lane_sum<std::int64_t, std::int32_t>(a); }
};

}  // namespace

const FieldKernels* avx2_field_kernels() {
    static constexpr FieldKernels kTable = make_field_table<Lanes>();
    return &kTable;
}

}  // namespace cairn::audit

#else

namespace cairn::audit {

const FieldKernels* avx2_field_kernels() { return nullptr; }

}  // namespace cairn::audit

#endif
