// Proves that the float mode is set whatever a library made of it, and that a thread which computes
// with another rounding, or without subnormal numbers, is noticed.
#include "base/float_mode.h"

#include <gtest/gtest.h>

#include <bit>
#include <cfenv>
#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace cairn {
namespace {

/// As code that was linked with -ffast-math does for its whole process.
bool flush_subnormals() {
#if defined(__x86_64__)
    _mm_setcsr(_mm_getcsr() | 0x8040);
    return true;
#elif defined(__aarch64__)
    std::uint64_t bits = 0;
    asm volatile("mrs %0, fpcr" : "=r"(bits));
    bits |= 1U << 24;
    asm volatile("msr fpcr, %0" : : "r"(bits) : "memory");
    return true;
#else
    return false;
#endif
}

/// As bits: where subnormal operands count as zeros, it would be equal to one.
std::uint32_t half_of_the_smallest_normal() {
    volatile float x = 0x1p-126F;
    return std::bit_cast<std::uint32_t>(x * 0.5F);
}

TEST(FloatMode, KeepsSubnormals) {
    if (!flush_subnormals()) GTEST_SKIP() << "no way to flush them here";
    EXPECT_EQ(half_of_the_smallest_normal(), 0U);
    set_float_mode();
    EXPECT_EQ(half_of_the_smallest_normal(), 0x00400000U);
    check_float_mode();
}

TEST(FloatMode, RoundsToNearest) {
    const auto above_one = [] {
        volatile float x = 1.0F;
        return x + 0x1p-30F > 1.0F;
    };
    ASSERT_EQ(std::fesetround(FE_UPWARD), 0);
    EXPECT_TRUE(above_one());
    set_float_mode();
    EXPECT_FALSE(above_one());
    check_float_mode();
}

TEST(FloatModeDeathTest, NoticesAnotherMode) {
    EXPECT_DEATH(
        {
            std::fesetround(FE_UPWARD);
            check_float_mode();
        },
        "float_mode\\.cc");
    EXPECT_DEATH(
        {
            if (!flush_subnormals()) std::fesetround(FE_UPWARD);
            check_float_mode();
        },
        "float_mode\\.cc");
}

}  // namespace
}  // namespace cairn
