// Private to this room: loops in double precision, compiled once for each kernel set. Every sum is
// over sixteen partial sums in a fixed order and nothing is fused, so all sets give the same bits.
#pragma once

#include <cstddef>
#include <span>

#include "tensor/compute.h"

namespace cairn::lowrank {

/// A turn of two rows: (c a - s b, s a + c b).
struct Rotation {
    double c, s;
};

struct DenseKernels {
    double (*dot)(const double* a, const double* b, std::size_t count);
    /// The same of one row with four, each `stride` numbers behind the one before.
    void (*dot_4)(const double* a, const double* b, std::size_t stride, std::size_t count,
                  double* out);
    /// Products of floats, exact, added in double precision.
    double (*dot_floats)(const float* a, const float* b, std::size_t count);
    /// to -= factor * v
    void (*subtract)(double factor, const double* v, std::size_t count, double* to);
    /// to -= a * x + b * y
    void (*subtract_two)(double a, const double* x, double b, const double* y, std::size_t count,
                         double* to);
    /// to += factor * v, in fp32
    void (*add_floats)(float factor, const float* v, std::size_t count, float* to);
    /// Rotation r turns rows -r - 1 and -r behind `row`, which are `width` numbers apart, in
    /// kTurned columns.
    void (*turn)(std::span<const Rotation> rotations, std::size_t width, double* row);
};

/// Columns that are turned at once.
inline constexpr std::size_t kTurned = 32;

/// The loops that belong to a set's other kernels.
const DenseKernels& dense_kernels_of(const tensor::Kernels& kernels);

const DenseKernels* plain_dense_kernels();
// Null when this build has no such set.
const DenseKernels* avx2_dense_kernels();
const DenseKernels* avx512_dense_kernels();

}  // namespace cairn::lowrank
