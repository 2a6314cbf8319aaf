#include "lowrank/orthonormal.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tensor/matmul.h"
#include "tensor/split.h"

namespace cairn::lowrank {

namespace {

using tensor::Compute;
using tensor::ConstMatrix;
using tensor::Matrix;

constexpr std::size_t kBlock = 32;
constexpr std::size_t kLanes = 8;
// A row of which less than this is left beside those before it is rounding.
constexpr double kDependent = 4e-6;

double dot(const float* a, const float* b, std::size_t count) {
    double sums[kLanes] = {};
    std::size_t i = 0;
    for (; i + kLanes <= count; i += kLanes)
        for (std::size_t lane = 0; lane < kLanes; ++lane)
            sums[lane] += double{a[i + lane]} * double{b[i + lane]};
    double sum = 0;
    for (const double part : sums) sum += part;
    for (; i < count; ++i) sum += double{a[i]} * double{b[i]};
    return sum;
}

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

// block <- L^-1 block with L L^T its Gram matrix; rows that depend on others become zeros.
void orthonormalise_block(const Compute& compute, Matrix block, const double* squares) {
    const std::size_t n = block.rows;
    std::vector<double> l = gram_matrix(compute, block);
    std::vector<double> inverse(n);  // of the diagonal; 0: the row goes
    for (std::size_t j = 0; j < n; ++j) {
        double pivot = l[j * n + j];
        for (std::size_t k = 0; k < j; ++k) pivot -= l[j * n + k] * l[j * n + k];
        const bool independent = pivot > kDependent * kDependent * squares[j] && pivot > 0;
        inverse[j] = independent ? 1 / std::sqrt(pivot) : 0;
        for (std::size_t i = j + 1; i < n; ++i) {
            double sum = l[i * n + j];
            for (std::size_t k = 0; k < j; ++k) sum -= l[i * n + k] * l[j * n + k];
            l[i * n + j] = sum * inverse[j];
        }
        if (!independent)
            for (std::size_t k = 0; k < j; ++k) l[j * n + k] = 0;
    }
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
                    const double factor = l[i * n + k];
                    const double* other = done.data() + k * kColumns;
                    for (std::size_t c = 0; c < kColumns; ++c) row[c] -= factor * other[c];
                }
                for (std::size_t c = 0; c < kColumns; ++c) row[c] *= inverse[i];
                for (std::size_t c = 0; c < here; ++c)
                    block.row(i)[at + c] = static_cast<float>(row[c]);
            }
        }
    });
}

}  // namespace

std::vector<double> gram_matrix(const Compute& compute, ConstMatrix b) {
    std::vector<double> gram(b.rows * b.rows);
    tensor::split(compute, b.rows, 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i)
            for (std::size_t j = 0; j <= i; ++j)
                gram[i * b.rows + j] = dot(b.row(i), b.row(j), b.cols);
    });
    for (std::size_t i = 0; i < b.rows; ++i)
        for (std::size_t j = i + 1; j < b.rows; ++j) gram[i * b.rows + j] = gram[j * b.rows + i];
    return gram;
}

double sum_of_squares(ConstMatrix values) {
    double sum = 0;
    for (std::size_t i = 0; i < values.rows; ++i)
        sum += dot(values.row(i), values.row(i), values.cols);
    return sum;
}

void orthonormalise_rows(const Compute& compute, Matrix y, bool twice) {
    std::vector<float> memory;
    for (std::size_t at = 0; at < y.rows; at += kBlock) {
        const Matrix block = y.row_range(at, std::min(kBlock, y.rows - at));
        double squares[kBlock];
        for (std::size_t i = 0; i < block.rows; ++i)
            squares[i] = dot(block.row(i), block.row(i), block.cols);
        for (int pass = 0; pass < (twice ? 2 : 1); ++pass) {
            if (at > 0) project(compute, y.row_range(0, at), block, memory);
            orthonormalise_block(compute, block, squares);
            std::fill_n(squares, kBlock, 1.0);
        }
    }
}

}  // namespace cairn::lowrank
