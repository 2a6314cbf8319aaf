#include "lowrank/range.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "lowrank/dense_kernels.h"
#include "lowrank/orthonormal.h"
#include "tensor/matmul.h"
#include "tensor/philox.h"
#include "tensor/split.h"

namespace cairn::lowrank {

namespace {

using tensor::Compute;
using tensor::ConstMatrix;
using tensor::Matrix;

constexpr std::uint64_t kStream = 0x1A6E;  // of the projection's random numbers

// Where a coordinate of W's short side goes in the random projection.
struct Place {
    std::uint32_t row;
    float sign;
};
/// With one place, two large coordinates that meet would be one direction for ever.
constexpr std::size_t kPlaces = 8;

// kPlaces of each coordinate, at random: a sparse projection does as well as a full one (Cohen
// 2016), and costs kPlaces additions a number of W instead of a matrix product.
std::vector<Place> random_places(std::uint64_t seed, std::size_t coordinates, std::size_t rows) {
    std::vector<Place> places;
    places.reserve(coordinates * kPlaces);
    for (std::size_t i = 0; i < coordinates * kPlaces; ++i) {
        const std::uint64_t bits = tensor::philox_u64(seed, kStream, i);
        places.push_back({static_cast<std::uint32_t>(tensor::mulhi64(bits, rows)),
                          (bits & 1) != 0 ? 1.0F : -1.0F});
    }
    return places;
}

// y = (random projection of w's rows) w
void project_rows_of(const Compute& compute, ConstMatrix w, std::uint64_t seed, Matrix y) {
    constexpr std::size_t kColumns = 512;  // so that all rows of y stay in a cache
    const std::vector<Place> places = random_places(seed, w.rows, y.rows);
    const DenseKernels& dense = dense_kernels_of(*compute.kernels);
    std::fill_n(y.data, y.rows * y.cols, 0.0F);
    const std::size_t parts = (w.cols + kColumns - 1) / kColumns;
    tensor::split(compute, parts, 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t at = begin * kColumns; at < end * kColumns; at += kColumns)
            for (std::size_t i = 0; i < places.size(); ++i)
                dense.add_floats(places[i].sign, w.row(i / kPlaces) + at,
                                 std::min(kColumns, w.cols - at), y.row(places[i].row) + at);
    });
}

// y = (random projection of w's columns) w^T. Some rows of w at a time, turned so that what is
// added lies side by side.
void project_columns_of(const Compute& compute, ConstMatrix w, std::uint64_t seed, Matrix y) {
    constexpr std::size_t kRows = 32;
    const std::vector<Place> places = random_places(seed, w.cols, y.rows);
    const DenseKernels& dense = dense_kernels_of(*compute.kernels);
    const std::size_t parts = (w.rows + kRows - 1) / kRows;
    tensor::split(compute, parts, 1, [&](std::size_t begin, std::size_t end) {
        std::vector<float> sums(y.rows * kRows), turned(w.cols * kRows);
        for (std::size_t part = begin; part < end; ++part) {
            const std::size_t first = part * kRows, n = std::min(kRows, w.rows - first);
            for (std::size_t row = 0; row < n; ++row)
                for (std::size_t j = 0; j < w.cols; ++j)
                    turned[j * kRows + row] = w.row(first + row)[j];
            std::fill(sums.begin(), sums.end(), 0.0F);
            for (std::size_t i = 0; i < places.size(); ++i)
                dense.add_floats(places[i].sign, &turned[i / kPlaces * kRows], n,
                                 &sums[places[i].row * kRows]);
            for (std::size_t i = 0; i < y.rows; ++i)
                std::copy_n(&sums[i * kRows], n, y.row(i) + first);
        }
    });
}

// Solves L L^T x = v in place for the lower triangle L [n, n].
void solve(const DenseKernels& dense, const std::vector<double>& l, std::vector<double>& v) {
    const std::size_t n = v.size();
    for (std::size_t i = 0; i < n; ++i)
        v[i] = (v[i] - dense.dot(l.data() + i * n, v.data(), i)) / l[i * n + i];
    for (std::size_t i = n; i-- > 0;) {
        v[i] /= l[i * n + i];
        dense.subtract(v[i], l.data() + i * n, i, v.data());
    }
}

// The least eigenvalue of the symmetric a b^T (roughly, from above), or 0 where it is so far below
// the largest that fp32 does not tell it well: by inverse iteration on its Cholesky factor.
double least_eigenvalue(const Compute& compute, ConstMatrix a, ConstMatrix b) {
    constexpr double kTooSteep = 1e-4;
    constexpr int kRounds = 12;
    const DenseKernels& dense = dense_kernels_of(*compute.kernels);
    const std::size_t n = a.rows;
    Rows product(n, n);
    tensor::matmul_nt(compute, a, b, product.view);
    std::vector<double> l(product.values.begin(), product.values.end());
    double largest = 0;
    for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, l[i * n + i]);
    for (std::size_t j = 0; j < n; ++j) {
        double* row = l.data() + j * n;
        const double pivot = row[j] - dense.dot(row, row, j);
        if (!(pivot > kTooSteep * largest)) return 0;
        row[j] = std::sqrt(pivot);
        tensor::split(
            compute, n - j - 1, tensor::grain_for(j), [&](std::size_t begin, std::size_t end) {
                for (std::size_t i = j + 1 + begin; i < j + 1 + end; ++i)
                    l[i * n + j] = (l[i * n + j] - dense.dot(l.data() + i * n, row, j)) / row[j];
            });
    }
    std::vector<double> v(n, 1.0);
    double inverse = 0;
    for (int round = 0; round < kRounds; ++round) {
        solve(dense, l, v);
        inverse = std::sqrt(dense.dot(v.data(), v.data(), n));
        for (double& value : v) value /= inverse;
    }
    return 1 / inverse;
}

// A power step takes the rows q to q (A - alpha), alpha a part of A's least eigenvalue among them:
// what is to go lies between 0 and about that eigenvalue and shrinks as by two plain steps (Feng,
// Yu and Xie 2022, with a half of it). The parts are those that left least on random matrices: most
// of what is to go lies near the eigenvalue, which the last steps know best.
double part_of_least(std::size_t steps_left) {
    return steps_left == 1 ? 0.9 : steps_left == 2 ? 0.6 : 0.5;
}

// q <- image - alpha q
void shift(const Compute& compute, float alpha, const Rows& image, Rows& q) {
    const std::size_t cols = q.view.cols;
    tensor::split(compute, q.view.rows, 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin * cols; i < end * cols; ++i)
            q.values[i] = image.values[i] - alpha * q.values[i];
    });
}

}  // namespace

void Sides::to_long(ConstMatrix x, Matrix y) const {
    tall ? tensor::matmul_nt(compute, x, w, y) : tensor::matmul_nn(compute, x, w, y);
}

void Sides::to_short(ConstMatrix x, Matrix y) const {
    tall ? tensor::matmul_nn(compute, x, w, y) : tensor::matmul_nt(compute, x, w, y);
}

void Sides::project(std::uint64_t seed, Matrix y) const {
    tall ? project_columns_of(compute, w, seed, y) : project_rows_of(compute, w, seed, y);
}

// By bands of rows, each up to its own diagonal; the rest is their mirror.
Rows Sides::gram() const {
    constexpr std::size_t kBands = 8, kLeast = 64;
    const std::size_t n = shorter(), band = std::max(kLeast, (n + kBands - 1) / kBands);
    Rows all(n, n);
    for (std::size_t first = 0; first < n; first += band) {
        const std::size_t count = std::min(band, n - first), width = first + count;
        const Matrix rows = all.view.row_range(first, count).column_range(0, width);
        if (tall)
            tensor::matmul_tn_accumulate(compute, w.column_range(first, count),
                                         w.column_range(0, width), rows);
        else
            tensor::matmul_nt(compute, w.row_range(first, count), w.row_range(0, width), rows);
    }
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < i; ++j) all.view.row(j)[i] = all.view.row(i)[j];
    return all;
}

// A is W^T W on the long side, by two products. Of a spectrum too steep for fp32 to square, plain
// steps with both halves made orthonormal.
Rows range_of_products(const Sides& sides, std::size_t count, const SvdOptions& options) {
    Rows on_short(count, sides.shorter());
    Rows on_long(count, sides.longer());
    Rows next(count, sides.longer());
    sides.project(options.seed, on_long.view);
    for (std::size_t left = options.power_steps; left > 0; --left) {
        orthonormalise_rows(sides.compute, on_long.view, false);
        sides.to_short(on_long.view, on_short.view);
        const double least = least_eigenvalue(sides.compute, on_short.view, on_short.view);
        if (least == 0) orthonormalise_rows(sides.compute, on_short.view, false);
        sides.to_long(on_short.view, next.view);
        shift(sides.compute, static_cast<float>(part_of_least(left) * least), next, on_long);
    }
    orthonormalise_rows(sides.compute, on_long.view);
    return on_long;
}

// A is W W^T, which its projection is a first step with.
std::optional<Rows> range_of_gram(const Sides& sides, std::size_t count,
                                  const SvdOptions& options) {
    const std::size_t n = sides.shorter();
    const Rows a = sides.gram();
    Rows q(count, n), image(count, n);
    project_rows_of(sides.compute, a.view, options.seed, q.view);
    for (std::size_t left = options.power_steps; left > 0; --left) {
        orthonormalise_rows(sides.compute, q.view, false);
        tensor::matmul_nn(sides.compute, q.view, a.view, image.view);
        const double least = least_eigenvalue(sides.compute, image.view, q.view);
        if (least == 0) return std::nullopt;
        shift(sides.compute, static_cast<float>(part_of_least(left) * least), image, q);
    }
    orthonormalise_rows(sides.compute, q.view);
    return q;
}

}  // namespace cairn::lowrank
