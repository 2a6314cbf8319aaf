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

#else

void set_float_mode() { CHECK(std::fesetround(FE_TONEAREST) == 0); }
void check_float_mode() { CHECK(std::fegetround() == FE_TONEAREST); }

#endif

}  // namespace cairn
