// Proves that every kernel set computes modulo p what 128-bit integers give one by one, at the
// bounds of its numbers too, and quantises as the products do (N2).
#include "audit/field_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "audit/field.h"
#include "base/random.h"

namespace cairn::audit {
namespace {

struct NamedSet {
    tensor::KernelSet set;
    const FieldKernels* kernels;
};

std::vector<NamedSet> every_set() {
    std::vector<NamedSet> sets;
    for (const tensor::KernelSet set : tensor::available_kernel_sets())
        sets.push_back({set, &field_kernels_of(*tensor::kernels_for(set).value())});
    return sets;
}

std::uint64_t field_product(std::uint64_t a, std::uint64_t b) {
    return field_of(static_cast<Int128>(a) * static_cast<Int128>(b));
}

std::uint64_t slow_dot(const auto* values, const std::vector<std::uint64_t>& factor) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < factor.size(); ++i)
        sum = field_of(static_cast<Int128>(sum) + field_product(field_of(values[i]), factor[i]));
    return sum;
}

TEST(Field, ReducesEveryInteger) {
    EXPECT_EQ(field_of(0), 0U);
    EXPECT_EQ(field_of(kFieldPrime), 0U);
    EXPECT_EQ(field_of(-1), kFieldPrime - 1);
    EXPECT_EQ(field_of(static_cast<Int128>(kFieldPrime) * kFieldPrime), 0U);
    EXPECT_EQ(field_of(-(static_cast<Int128>(kFieldPrime) * 3 + 5)), kFieldPrime - 5);
    EXPECT_EQ(field_product(kFieldPrime - 1, kFieldPrime - 1), 1U);
    EXPECT_EQ(field_product(std::uint64_t{1} << 60, 2), 1U);
}

TEST(Field, EverySetMultipliesSums) {
    SeededRandom random(1);
    for (const std::size_t count : {1U, 31U, 32U, 700U, 2048U})
        for (const std::int64_t bound : {1LL, 33'292'288LL, 2'130'706'432LL}) {
            std::vector<std::uint64_t> factor(count);
            for (auto& x : factor) x = random.below(4) == 0 ? kFieldPrime - 1 : draw_field(random);
            const SumsFactor packed(factor);
            const std::size_t stride = field_padded(count);
            constexpr std::size_t kRows = 7;
            std::vector<std::int32_t> sums(kRows * stride);
            for (std::size_t row = 0; row < kRows; ++row)
                for (std::size_t i = 0; i < count; ++i) {
                    const auto within = static_cast<std::int64_t>(random.u64() >> 1) % (bound + 1);
                    // The first rows hold the largest numbers there are, which fill the lanes.
                    const std::int64_t value = row == 0 ? bound : row == 1 ? -bound : within;
                    sums[row * stride + i] = static_cast<std::int32_t>(value);
                }
            for (const NamedSet& set : every_set()) {
                std::vector<std::uint64_t> out(kRows);
                set.kernels->dot_sums(sums.data(), stride, kRows, bound, packed, out.data());
                for (std::size_t row = 0; row < kRows; ++row)
                    ASSERT_EQ(out[row], slow_dot(sums.data() + row * stride, factor))
                        << tensor::kernel_set_name(set.set) << ' ' << count << ' ' << bound;
            }
        }
}

TEST(Field, EverySetMultipliesQuants) {
    SeededRandom random(2);
    for (const std::size_t count : {1U, 33U, 4096U, 20'000U}) {
        std::vector<std::uint64_t> factor(count);
        // Digits of the largest magnitude, and chance.
        for (auto& x : factor)
            x = random.below(2) == 0 ? 0x1FFF'8000'8000'8000U % kFieldPrime : draw_field(random);
        const QuantsFactor packed(factor);
        const std::size_t stride = field_padded(count);
        constexpr std::size_t kRows = 6;
        std::vector<std::int16_t> quants(kRows * stride);
        for (std::size_t row = 0; row < kRows; ++row)
            for (std::size_t i = 0; i < count; ++i)
                quants[row * stride + i] = static_cast<std::int16_t>(
                    row == 0   ? 127
                    : row == 1 ? -127
                               : static_cast<int>(random.below(255)) - 127);
        for (const NamedSet& set : every_set()) {
            std::vector<std::uint64_t> out(kRows);
            set.kernels->dot_quants(quants.data(), stride, kRows, packed, out.data());
            for (std::size_t row = 0; row < kRows; ++row)
                ASSERT_EQ(out[row], slow_dot(quants.data() + row * stride, factor))
                    << tensor::kernel_set_name(set.set) << ' ' << count;
        }
    }
}

TEST(Field, EverySetQuantisesAlike) {
    SeededRandom random(3);
    std::vector<float> x(301);
    for (float& value : x) value = static_cast<float>(random.below(20001)) / 100.0F - 100.0F;
    x[7] = 127.0F;
    x[8] = 0.5F;
    x[9] = -1.5F;
    std::vector<std::int16_t> q(x.size());
    for (const NamedSet& set : every_set()) {
        x[20] = 1.0F;
        EXPECT_EQ(set.kernels->quantise(x.data(), x.size(), q.data()), 1.0F);
        EXPECT_EQ(q[7], 127);
        EXPECT_EQ(q[8], 0);
        EXPECT_EQ(q[9], -2);
        x[20] = std::numeric_limits<float>::infinity();
        EXPECT_TRUE(std::isnan(set.kernels->quantise(x.data(), x.size(), q.data())));
        EXPECT_EQ(q[7], 0);
        const std::vector<float> nothing(40, 0x1p-101F);
        EXPECT_EQ(set.kernels->quantise(nothing.data(), 40, q.data()), 0.0F);
    }
}

}  // namespace
}  // namespace cairn::audit
