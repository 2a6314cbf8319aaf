// Matrix and ConstMatrix: views of row-major fp32 memory that somebody else owns. Operators take
// them, so that shapes are checked once at the door and a head or a slice is just a view with a
// larger stride.
#pragma once

#include <cstddef>

#include "base/check.h"

namespace cairn::tensor {

/// rows x cols floats; row i starts at data + i * stride.
struct ConstMatrix {
    const float* data = nullptr;
    std::size_t rows = 0;
    std::size_t cols = 0;
    std::size_t stride = 0;

    ConstMatrix() = default;
    ConstMatrix(const float* values, std::size_t n_rows, std::size_t n_cols)
        : ConstMatrix(values, n_rows, n_cols, n_cols) {}
    ConstMatrix(const float* values, std::size_t n_rows, std::size_t n_cols, std::size_t row_stride)
        : data(values), rows(n_rows), cols(n_cols), stride(row_stride) {
        CHECK(row_stride >= n_cols);
    }

    const float* row(std::size_t i) const { return data + i * stride; }
    /// `count` rows from row `begin` on.
    ConstMatrix row_range(std::size_t begin, std::size_t count) const {
        CHECK(begin + count <= rows);
        return {row(begin), count, cols, stride};
    }
    /// `count` columns from column `begin` on: a head, for example.
    ConstMatrix column_range(std::size_t begin, std::size_t count) const {
        CHECK(begin + count <= cols);
        return {data + begin, rows, count, stride};
    }
};

/// As ConstMatrix, for results.
struct Matrix {
    float* data = nullptr;
    std::size_t rows = 0;
    std::size_t cols = 0;
    std::size_t stride = 0;

    Matrix() = default;
    Matrix(float* values, std::size_t n_rows, std::size_t n_cols)
        : Matrix(values, n_rows, n_cols, n_cols) {}
    Matrix(float* values, std::size_t n_rows, std::size_t n_cols, std::size_t row_stride)
        : data(values), rows(n_rows), cols(n_cols), stride(row_stride) {
        CHECK(row_stride >= n_cols);
    }

    operator ConstMatrix() const { return {data, rows, cols, stride}; }
    float* row(std::size_t i) const { return data + i * stride; }
    Matrix row_range(std::size_t begin, std::size_t count) const {
        CHECK(begin + count <= rows);
        return {row(begin), count, cols, stride};
    }
    Matrix column_range(std::size_t begin, std::size_t count) const {
        CHECK(begin + count <= cols);
        return {data + begin, rows, count, stride};
    }
};

}  // namespace cairn::tensor
