// The loops of field_kernels.h, once for all sets: each file of this folder includes it with its
// own vectors, and is compiled for its own instructions. Everything is local to that file, since
// one name compiled for two machines would be one function of the two.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>

#include "audit/field.h"
#include "audit/field_kernels.h"

namespace cairn::audit {
namespace {

constexpr std::size_t kRowsAtOnce = 4;

/// The sum of a vector's lanes, each an Int.
template <typename Sum, typename Int, typename Vector>
Sum lane_sum(const Vector& vector) {
    Int lanes[sizeof(Vector) / sizeof(Int)];
    std::memcpy(lanes, &vector, sizeof lanes);
    Sum sum = 0;
    for (const Int lane : lanes) sum += lane;
    return sum;
}

/// V: kInts 32-bit lanes; `zero`, `load`, `products` (the sum of the products of both halves of
/// each 64-bit lane), `add64`, `madd` (sums of pairs of products of 16-bit lanes), `add32`, and the
/// sums of all lanes.
template <typename V, std::size_t kRows>
void dot_sums_rows(const std::int32_t* sums, std::size_t stride, std::int64_t bound,
                   const SumsFactor& factor, std::uint64_t* out) {
    const std::size_t count = factor.low.size();
    // A lane takes two products below bound * 2^31 a step and holds 2^63.
    const auto steps = static_cast<std::size_t>(
        std::max<std::int64_t>((std::int64_t{1} << 31) / std::max<std::int64_t>(bound, 1), 1));
    Int128 low[kRows] = {};
    Int128 high[kRows] = {};
    for (std::size_t k = 0; k < count;) {
        typename V::Type low_lanes[kRows];
        typename V::Type high_lanes[kRows];
        for (std::size_t r = 0; r < kRows; ++r) low_lanes[r] = high_lanes[r] = V::zero();
        const std::size_t end = steps >= count ? count : std::min(count, k + steps * V::kInts);
        for (; k < end; k += V::kInts) {
            const typename V::Type l = V::load(factor.low.data() + k);
            const typename V::Type h = V::load(factor.high.data() + k);
            for (std::size_t r = 0; r < kRows; ++r) {
                const typename V::Type s = V::load(sums + r * stride + k);
                low_lanes[r] = V::add64(low_lanes[r], V::products(s, l));
                high_lanes[r] = V::add64(high_lanes[r], V::products(s, h));
            }
        }
        for (std::size_t r = 0; r < kRows; ++r) {
            low[r] += V::sum64(low_lanes[r]);
            high[r] += V::sum64(high_lanes[r]);
        }
    }
    for (std::size_t r = 0; r < kRows; ++r)
        out[r] = field_of(low[r] + (static_cast<Int128>(field_of(high[r])) << 30));
}

template <typename V>
void dot_sums(const std::int32_t* sums, std::size_t stride, std::size_t rows, std::int64_t bound,
              const SumsFactor& factor, std::uint64_t* out) {
    std::size_t row = 0;
    for (; row + kRowsAtOnce <= rows; row += kRowsAtOnce)
        dot_sums_rows<V, kRowsAtOnce>(sums + row * stride, stride, bound, factor, out + row);
    for (; row < rows; ++row)
        dot_sums_rows<V, 1>(sums + row * stride, stride, bound, factor, out + row);
}

template <typename V, std::size_t kRows>
void dot_quants_rows(const std::int16_t* quants, std::size_t stride, const QuantsFactor& factor,
                     std::uint64_t* out) {
    // A lane takes two products below 2^22 a step and holds 2^31.
    constexpr std::size_t kSteps = 128;
    const std::size_t count = factor.digits[0].size();
    std::int64_t totals[kRows][4] = {};
    for (std::size_t k = 0; k < count;) {
        typename V::Type lanes[kRows][4];
        for (std::size_t r = 0; r < kRows; ++r)
            for (auto& lane : lanes[r]) lane = V::zero();
        const std::size_t end = std::min(count, k + kSteps * 2 * V::kInts);
        for (; k < end; k += 2 * V::kInts)
            for (std::size_t d = 0; d < 4; ++d) {
                const typename V::Type digit = V::load(factor.digits[d].data() + k);
                for (std::size_t r = 0; r < kRows; ++r)
                    lanes[r][d] =
                        V::add32(lanes[r][d], V::madd(V::load(quants + r * stride + k), digit));
            }
        for (std::size_t r = 0; r < kRows; ++r)
            for (std::size_t d = 0; d < 4; ++d) totals[r][d] += V::sum32(lanes[r][d]);
    }
    for (std::size_t r = 0; r < kRows; ++r) {
        Int128 total = 0;
        for (std::size_t d = 0; d < 4; ++d)
            total += static_cast<Int128>(totals[r][d]) * (Int128{1} << 16 * d);
        out[r] = field_of(total);
    }
}

template <typename V>
void dot_quants(const std::int16_t* quants, std::size_t stride, std::size_t rows,
                const QuantsFactor& factor, std::uint64_t* out) {
    std::size_t row = 0;
    for (; row + kRowsAtOnce <= rows; row += kRowsAtOnce)
        dot_quants_rows<V, kRowsAtOnce>(quants + row * stride, stride, factor, out + row);
    for (; row < rows; ++row)
        dot_quants_rows<V, 1>(quants + row * stride, stride, factor, out + row);
}

/// N2: scale = max|x| / 127, q = round-half-even(x / scale) clamped to +-127. Bits of magnitudes
/// compare as numbers do; adding 3 * 2^22 rounds to a whole number.
float quantise(const float* x, std::size_t count, std::int16_t* q) {
    std::uint32_t largest = 0;
    for (std::size_t i = 0; i < count; ++i)
        largest = std::max(largest, std::bit_cast<std::uint32_t>(x[i]) & 0x7FFFFFFFU);
    const float most = std::bit_cast<float>(largest);
    float scale = most < 0x1p-100F ? 0.0F : most / 127.0F;
    if (largest >= 0x7F800000U) scale = std::bit_cast<float>(0x7FC00000U);
    if (!(scale > 0.0F)) {
        std::memset(q, 0, count * sizeof *q);
        return scale;
    }
    constexpr float kShift = 12582912.0F;
    for (std::size_t i = 0; i < count; ++i) {
        const std::int32_t rounded = std::bit_cast<std::int32_t>(x[i] / scale + kShift) -
                                     std::bit_cast<std::int32_t>(kShift);
        q[i] = static_cast<std::int16_t>(std::min(std::max(rounded, -127), 127));
    }
    return scale;
}

void outputs(const std::int32_t* sums, const float* scales, float scale, std::size_t count,
             float* y) {
    constexpr float kNan = std::bit_cast<float>(0x7FC00000U);
    for (std::size_t j = 0; j < count; ++j) {
        const float value = static_cast<float>(sums[j]) * (scales[j] * scale);
        y[j] = value == value ? value : kNan;  // N1: one NaN
    }
}

/// Two bytes: i16 each. Three: the lower u16 of all, then the upper i8 of all. Four: i32 each.
std::int64_t read_sums(std::size_t width, const std::uint8_t* in, std::size_t count,
                       std::int32_t* sums) {
    std::int32_t least = 0;
    std::int32_t most = 0;
    const auto* upper = reinterpret_cast<const std::int8_t*>(in + 2 * count);
    const auto take = [&](std::size_t j, std::int32_t sum) {
        sums[j] = sum;
        least = std::min(least, sum);
        most = std::max(most, sum);
    };
    const auto two = [&](std::size_t j) {
        std::uint16_t bits = 0;
        std::memcpy(&bits, in + 2 * j, 2);
        return bits;
    };
    if (width == 2) {
        for (std::size_t j = 0; j < count; ++j) take(j, static_cast<std::int16_t>(two(j)));
    } else if (width == 3) {
        for (std::size_t j = 0; j < count; ++j) take(j, upper[j] * 65536 + two(j));
    } else {
        for (std::size_t j = 0; j < count; ++j) {
            std::int32_t sum = 0;
            std::memcpy(&sum, in + 4 * j, 4);
            take(j, sum);
        }
    }
    return std::max(-std::int64_t{least}, std::int64_t{most});
}

template <typename V>
constexpr FieldKernels make_field_table() {
    return {dot_sums<V>, dot_quants<V>, quantise, outputs, read_sums};
}

}  // namespace
}  // namespace cairn::audit
