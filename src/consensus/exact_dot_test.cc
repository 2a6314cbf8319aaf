// Proves that inner products and square roots are exact at the edges of their ranges.
#include "consensus/exact_dot.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace cairn::consensus {
namespace {

TEST(ExactDot, EqualsTheDefinitionOnRandomAndExtremeValues) {
    SeededRandom random(1);
    for (const std::size_t count :
         {std::size_t{0}, std::size_t{1}, std::size_t{5000}, std::size_t{100'000}}) {
        std::vector<std::int32_t> a(count), b(count);
        Int128 expected = 0;
        for (std::size_t i = 0; i < count; ++i) {
            a[i] = static_cast<std::int32_t>(random.u64());
            b[i] = static_cast<std::int32_t>(random.u64());
            if (i % 3 == 0) a[i] = -2147483647;
            if (i % 5 == 0) b[i] = i % 2 == 0 ? (1 << 30) : -(1 << 30);
            if (i % 7 == 0) b[i] = -2147483647 - 1;
            expected += static_cast<Int128>(a[i]) * b[i];
        }
        EXPECT_TRUE(dot(a, b) == expected);
    }
}

TEST(ExactDot, TheWorstBlockDoesNotOverflow) {
    const std::vector<std::int32_t> a(8192, -2147483647), b(8192, 2147483647);
    EXPECT_TRUE(dot(a, b) == -static_cast<Int128>(2147483647) * 2147483647 * 8192);
}

TEST(IntegerSqrt, IsTheFloor) {
    for (std::uint64_t n = 0; n < 2000; ++n) {
        const std::uint64_t root = integer_sqrt(static_cast<Int128>(n));
        EXPECT_TRUE(root * root <= n && n < (root + 1) * (root + 1));
    }
    const Int128 large = static_cast<Int128>(0x7FFFFFFFFFFFFFFFULL);
    EXPECT_EQ(integer_sqrt(large * large), 0x7FFFFFFFFFFFFFFFULL);
    EXPECT_EQ(integer_sqrt(large * large - 1), 0x7FFFFFFFFFFFFFFEULL);
}

}  // namespace
}  // namespace cairn::consensus
