// Proves that the fma made of doubles has the bits of std::fma: where the sum cancels, for results
// that are subnormal, tie or overflow, for zeros, infinities and NaN.
#include "tensor/kernels/exact_fma.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tensor/elementary.h"
#include "tensor/philox.h"

namespace cairn::tensor {
namespace {

float of(std::uint32_t bits) { return std::bit_cast<float>(bits); }
std::uint32_t bits_of(float x) { return std::bit_cast<std::uint32_t>(canonical(x)); }

void expect_fma(float a, float b, float c) {
    ASSERT_EQ(bits_of(kernels::fma_by_odd_rounding(a, b, c)), bits_of(std::fma(a, b, c)))
        << std::hexfloat << a << " * " << b << " + " << c;
}

TEST(ExactFma, HasTheBitsOfStdFma) {
    const std::uint64_t count = std::getenv("CAIRN_SLOW") != nullptr ? 200000000 : 500000;
    constexpr std::uint32_t kRest = 0x807FFFFF;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto w = philox(8, 9, i);
        const float a = of(w[0]), b = of(w[1]);
        expect_fma(a, b, of(w[2]));
        // c within three last places of -a b: all but the tail cancels
        expect_fma(a, b, of(std::bit_cast<std::uint32_t>(-(a * b)) + w[3] % 7 - 3));
        // products around the smallest float
        expect_fma(of((w[0] & kRest) | (20 + w[3] % 80) << 23),
                   of((w[1] & kRest) | (10 + (w[3] >> 8) % 50) << 23), of(w[2] & 0x80FFFFFF));
        // few bits: ties
        expect_fma(of((w[0] & 0x807FF000) | 0x3F800000), of((w[1] & 0x807FF000) | 0x3F800000),
                   of((w[2] & 0x807FFF00) | (100 + w[3] % 64) << 23));
        if (HasFatalFailure()) return;
    }
}

TEST(ExactFma, Edges) {
    const std::uint32_t edges[] = {0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007FFFFF,
                                   0x00800000, 0x3F800000, 0xBF800000, 0x3F7FFFFF, 0x7F7FFFFF,
                                   0xFF7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00001};
    for (const std::uint32_t a : edges)
        for (const std::uint32_t b : edges)
            for (const std::uint32_t c : edges) expect_fma(of(a), of(b), of(c));
}

}  // namespace
}  // namespace cairn::tensor
