#include "base/float_mode.h"

#include <cfenv>
#include <cstdint>

#include "base/check.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace cairn {

#if defined(__x86_64__)

namespace {
constexpr unsigned kRounding = 0x6000;
constexpr unsigned kFlushToZero = 0x8000;
constexpr unsigned kDenormalsAreZero = 0x0040;
constexpr unsigned kMode = kRounding | kFlushToZero | kDenormalsAreZero;
}  // namespace

void set_float_mode() { _mm_setcsr(_mm_getcsr() & ~kMode); }
void check_float_mode() { CHECK((_mm_getcsr() & kMode) == 0); }

#elif defined(__aarch64__)

namespace {

constexpr std::uint64_t kRounding = 3U << 22;
constexpr std::uint64_t kFlushToZero = 1U << 24;
/// Subnormal operands alone, where the processor has FEAT_AFP.
constexpr std::uint64_t kDenormalsAreZero = 1;
constexpr std::uint64_t kMode = kRounding | kFlushToZero | kDenormalsAreZero;

std::uint64_t control() {
    std::uint64_t bits = 0;
    asm volatile("mrs %0, fpcr" : "=r"(bits));
    return bits;
}

}  // namespace

void set_float_mode() {
    const std::uint64_t bits = control() & ~kMode;
    asm volatile("msr fpcr, %0" : : "r"(bits) : "memory");
}
void check_float_mode() { CHECK((control() & kMode) == 0); }

#else

void set_float_mode() { CHECK(std::fesetround(FE_TONEAREST) == 0); }
void check_float_mode() { CHECK(std::fegetround() == FE_TONEAREST); }

#endif

}  // namespace cairn
