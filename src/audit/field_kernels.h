// FieldKernels: the loops of Freivalds' check for one kernel set. Everything is exact integers (and
// fp32 by N2 where activations are quantised), so all sets give the same;
// audit/field_kernels_test.cc compares them with the definitions written out there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tensor/compute.h"

namespace cairn::audit {

/// Rows in memory are filled up with zeros to a multiple of this many elements.
inline constexpr std::size_t kFieldPad = 32;
constexpr std::size_t field_padded(std::size_t count) {
    return (count + kFieldPad - 1) / kFieldPad * kFieldPad;
}

/// Field elements to multiply int32 sums by: element i is low[i] + high[i] * 2^30.
struct SumsFactor {
    std::vector<std::uint32_t> low, high;  ///< padded; below 2^30 and 2^31

    explicit SumsFactor(const std::vector<std::uint64_t>& elements);
};

/// Field elements to multiply quantised activations by: four signed digits to the base 2^16.
struct QuantsFactor {
    std::vector<std::int16_t> digits[4];  ///< padded, the lowest digit first

    explicit QuantsFactor(const std::vector<std::uint64_t>& elements);
};

struct FieldKernels {
    /// out[i] = sum over k of sums[i, k] * factor[k] mod p, for `rows` rows of `stride` elements,
    /// padded. No |sum| exceeds `bound` <= 2^31 - 1.
    void (*dot_sums)(const std::int32_t* sums, std::size_t stride, std::size_t rows,
                     std::int64_t bound, const SumsFactor& factor, std::uint64_t* out);
    /// The same for quantised activations, which are within +-127.
    void (*dot_quants)(const std::int16_t* quants, std::size_t stride, std::size_t rows,
                       const QuantsFactor& factor, std::uint64_t* out);
    /// A row of activations as W8A8-row quantises it (N2): q[count], and the scale, which is 0 for
    /// a row of nothing and NaN for one that is not finite.
    float (*quantise)(const float* x, std::size_t count, std::int16_t* q);
    /// y[j] = float(sums[j]) * (scales[j] * scale), what the product would have given.
    void (*outputs)(const std::int32_t* sums, const float* scales, float scale, std::size_t count,
                    float* y);
    /// Sums as evidence has them, `width` bytes each (evidence.h), and the largest magnitude.
    std::int64_t (*read_sums)(std::size_t width, const std::uint8_t* in, std::size_t count,
                              std::int32_t* sums);
};

/// The functions that belong to a set's other kernels.
const FieldKernels& field_kernels_of(const tensor::Kernels& kernels);

// Null when this build has no such set.
const FieldKernels* plain_field_kernels();
const FieldKernels* avx2_field_kernels();
const FieldKernels* avx512_field_kernels();

}  // namespace cairn::audit
