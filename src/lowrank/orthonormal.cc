#include "lowrank/orthonormal.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "lowrank/dense_kernels.h"
#include "tensor/matmul.h"
#include "tensor/split.h"

namespace cairn::lowrank {

namespace {

using tensor::Compute;
using tensor::ConstMatrix;
using tensor::Matrix;

constexpr std::size_t kBlock = 32;
// A row of which less than this is left beside those before it is rounding.
constexpr double kDependent = 4e-6;
// Of a row's squared length, in fp32's Gram matrix: below it is rounding.
constexpr double kLeastPivot = 1e-5;

// block -= (block Q^T) Q.
void project(const Compute& compute, ConstMatrix q, Matrix block, std::vector<float>& memory) {
    memory.resize(block.rows * (q.rows + q.cols));
    const Matrix along(memory.data(), block.rows, q.rows);
    const Matrix sum(memory.data() + block.rows * q.rows, block.rows, q.cols);
    tensor::matmul_nt(compute, block, q, along);
    tensor::matmul_nn(compute, along, q, sum);
    for (std::size_t i = 0; i < block.rows; ++i)
        for (std::size_t j = 0; j < block.cols; ++j) block.row(i)[j] -= sum.row(i)[j];
}

// Cholesky's factor of the Gram matrix `gram` [n, n], in its lower triangle; 1 / its diagonal goes
// to `inverse`. A pivot below its `least` is raised to it or, if `drop`, its row goes: inverse 0.
void factor(std::vector<double>& gram, std::span<const double> least, bool drop,
            std::vector<double>& inverse) {
    const std::size_t n = inverse.size();
    for (std::size_t j = 0; j < n; ++j) {
        double* row = gram.data() + j * n;
        double pivot = row[j];
        for (std::size_t k = 0; k < j; ++k) pivot -= row[k] * row[k];
        const bool small = !(pivot > least[j]) || pivot <= 0;
        const double used = small ? least[j] : pivot;
        inverse[j] = (small && drop) || used <= 0 ? 0 : 1 / std::sqrt(used);
        for (std::size_t i = j + 1; i < n; ++i) {
            double sum = gram[i * n + j];
            for (std::size_t k = 0; k < j; ++k) sum -= gram[i * n + k] * row[k];
            gram[i * n + j] = sum * inverse[j];
        }
        if (inverse[j] == 0) std::fill_n(row, j, 0.0);
    }
}

// block <- L^-1 block, products in fp32: close to orthonormal, in the block's span. `scales` gets
// what each row was multiplied with.
void straighten(const Compute& compute, Matrix block, std::vector<double>& scales,
                std::vector<float>& memory) {
    const std::size_t n = block.rows;
    memory.resize(2 * n * n + n * block.cols);
    const Matrix gram(memory.data(), n, n);
    const Matrix triangle(memory.data() + n * n, n, n);
    const Matrix turned(memory.data() + 2 * n * n, n, block.cols);
    tensor::matmul_nt(compute, block, ConstMatrix(block), gram);
    std::vector<double> l(gram.data, gram.data + n * n), least(n);
    for (std::size_t i = 0; i < n; ++i) least[i] = kLeastPivot * l[i * n + i];
    scales.assign(n, 0.0);
    factor(l, least, false, scales);
    // Row i of the inverse of L, from the rows before it.
    std::vector<double> inverse(n * n, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
        double* row = inverse.data() + i * n;
        for (std::size_t k = 0; k < i; ++k)
            for (std::size_t j = 0; j <= k; ++j) row[j] -= l[i * n + k] * inverse[k * n + j];
        row[i] = 1;
        for (std::size_t j = 0; j <= i; ++j) row[j] *= scales[i];
    }
    std::copy(inverse.begin(), inverse.end(), triangle.data);
    tensor::matmul_nn(compute, triangle, block, turned);
    for (std::size_t i = 0; i < n; ++i) std::copy_n(turned.row(i), block.cols, block.row(i));
}

// The same in double precision; rows of which less than `squares` tells is left become zeros.
void orthonormalise_block(const Compute& compute, Matrix block, std::span<const double> squares) {
    const DenseKernels& dense = dense_kernels_of(*compute.kernels);
    const std::size_t n = block.rows;
    std::vector<double> l = gram_matrix(compute, block);
    std::vector<double> inverse(n), least(n);
    for (std::size_t i = 0; i < n; ++i) least[i] = kDependent * kDependent * squares[i];
    factor(l, least, true, inverse);
    constexpr std::size_t kColumns = 64;
    const std::size_t groups = (block.cols + kColumns - 1) / kColumns;
    tensor::split(compute, groups, 4, [&](std::size_t begin, std::size_t end) {
        std::vector<double> done(n * kColumns);
        for (std::size_t group = begin; group < end; ++group) {
            const std::size_t at = group * kColumns;
            const std::size_t here = std::min(kColumns, block.cols - at);
            for (std::size_t i = 0; i < n; ++i) {
                double* row = done.data() + i * kColumns;
                std::fill_n(row, kColumns, 0.0);
                for (std::size_t c = 0; c < here; ++c) row[c] = double{block.row(i)[at + c]};
                for (std::size_t k = 0; k < i; ++k) {
                    const double along = l[i * n + k];
                    dense.subtract(along, done.data() + k * kColumns, kColumns, row);
                }
                for (std::size_t c = 0; c < kColumns; ++c) row[c] *= inverse[i];
                for (std::size_t c = 0; c < here; ++c)
                    block.row(i)[at + c] = static_cast<float>(row[c]);
            }
        }
    });
}

}  // namespace

// Some columns at a time, which all rows then need in double precision only once; of these four
// rows with four others, which lie in the nearest cache.
std::vector<double> gram_matrix(const Compute& compute, ConstMatrix b) {
    constexpr std::size_t kColumns = 512, kRows = 4, kOthers = 4;
    const DenseKernels& dense = dense_kernels_of(*compute.kernels);
    const std::size_t n = b.rows, padded = (n + kOthers - 1) / kOthers * kOthers;
    std::vector<double> gram(n * n, 0.0), part(padded * kColumns, 0.0);
    for (std::size_t at = 0; at < b.cols; at += kColumns) {
        const std::size_t here = std::min(kColumns, b.cols - at);
        for (std::size_t i = 0; i < n; ++i)
            std::copy_n(b.row(i) + at, here, part.data() + i * kColumns);
        tensor::split(compute, (n + kRows - 1) / kRows, 1, [&](std::size_t begin, std::size_t end) {
            for (std::size_t first = begin * kRows; first < std::min(n, end * kRows);
                 first += kRows)
                for (std::size_t j = 0; j < std::min(n, first + kRows); j += kOthers)
                    for (std::size_t i = first; i < std::min(n, first + kRows); ++i) {
                        double sums[kOthers];
                        dense.dot_4(part.data() + i * kColumns, part.data() + j * kColumns,
                                    kColumns, here, sums);
                        for (std::size_t k = 0; k < kOthers && j + k <= i; ++k)
                            gram[i * n + j + k] += sums[k];
                    }
        });
    }
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = i + 1; j < n; ++j) gram[i * n + j] = gram[j * n + i];
    return gram;
}

double sum_of_squares(const Compute& compute, ConstMatrix values) {
    const DenseKernels& dense = dense_kernels_of(*compute.kernels);
    double sum = 0;
    for (std::size_t i = 0; i < values.rows; ++i)
        sum += dense.dot_floats(values.row(i), values.row(i), values.cols);
    return sum;
}

void orthonormalise_rows(const Compute& compute, Matrix y, bool exactly) {
    const DenseKernels& dense = dense_kernels_of(*compute.kernels);
    std::vector<float> memory;
    std::vector<double> scales;
    for (std::size_t at = 0; at < y.rows; at += kBlock) {
        const Matrix block = y.row_range(at, std::min(kBlock, y.rows - at));
        double squares[kBlock];
        for (std::size_t i = 0; i < block.rows; ++i)
            squares[i] = dense.dot_floats(block.row(i), block.row(i), block.cols);
        if (at > 0) project(compute, y.row_range(0, at), block, memory);
        straighten(compute, block, scales, memory);
        if (!exactly) continue;
        // What rows had before, in the measure that they have now.
        for (std::size_t i = 0; i < block.rows; ++i) squares[i] *= scales[i] * scales[i];
        if (at > 0) project(compute, y.row_range(0, at), block, memory);
        orthonormalise_block(compute, block, squares);
    }
}

}  // namespace cairn::lowrank
