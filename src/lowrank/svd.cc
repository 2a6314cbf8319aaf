#include "lowrank/svd.h"

#include <algorithm>
#include <cmath>

#include "lowrank/dense_kernels.h"
#include "lowrank/eigen.h"
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

struct Rows {
    Rows(std::size_t rows, std::size_t cols)
        : values(rows * cols), view(values.data(), rows, cols) {}
    std::vector<float> values;
    Matrix view;
};

// Between vectors of W's long side and of its short one: rows times W or W^T.
struct Sides {
    const Compute& compute;
    ConstMatrix w;
    bool tall;  // m > n: the long side is that of outputs

    // The random projection of W's short side, on its long one: y [count, longer].
    void project(std::uint64_t seed, Matrix y) const {
        const std::vector<Place> places = random_places(seed, shorter(), y.rows);
        std::fill_n(y.data, y.rows * y.cols, 0.0F);
        tall ? project_rows(places, y) : project_columns(places, y);
    }

    std::size_t longer() const { return tall ? w.rows : w.cols; }
    std::size_t shorter() const { return tall ? w.cols : w.rows; }
    void to_long(ConstMatrix x, Matrix y) const {
        tall ? tensor::matmul_nt(compute, x, w, y) : tensor::matmul_nn(compute, x, w, y);
    }
    void to_short(ConstMatrix x, Matrix y) const {
        tall ? tensor::matmul_nn(compute, x, w, y) : tensor::matmul_nt(compute, x, w, y);
    }

  private:
    void project_columns(const std::vector<Place>& places, Matrix y) const {
        constexpr std::size_t kColumns = 512;  // so that all rows of y stay in a cache
        const DenseKernels& dense = dense_kernels_of(*compute.kernels);
        const std::size_t parts = (w.cols + kColumns - 1) / kColumns;
        tensor::split(compute, parts, 1, [&](std::size_t begin, std::size_t end) {
            for (std::size_t at = begin * kColumns; at < end * kColumns; at += kColumns)
                for (std::size_t i = 0; i < places.size(); ++i)
                    dense.add_floats(places[i].sign, w.row(i / kPlaces) + at,
                                     std::min(kColumns, w.cols - at), y.row(places[i].row) + at);
        });
    }
    // Some rows of W at a time, turned so that what is added lies side by side.
    void project_rows(const std::vector<Place>& places, Matrix y) const {
        constexpr std::size_t kRows = 32;
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
};

// The least eigenvalue of x x^T (roughly, from above), or 0 where it is so far below the largest
// that fp32 does not tell it well: by inverse iteration on its Cholesky factor.
double least_eigenvalue(const Compute& compute, ConstMatrix x) {
    constexpr double kTooSteep = 1e-4;
    constexpr int kRounds = 12;
    const DenseKernels& dense = dense_kernels_of(*compute.kernels);
    const std::size_t n = x.rows;
    Rows gram(n, n);
    tensor::matmul_nt(compute, x, x, gram.view);
    std::vector<double> l(gram.values.begin(), gram.values.end());
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
        for (std::size_t i = 0; i < n; ++i)
            v[i] = (v[i] - dense.dot(l.data() + i * n, v.data(), i)) / l[i * n + i];
        for (std::size_t i = n; i-- > 0;) {
            v[i] /= l[i * n + i];
            dense.subtract(v[i], l.data() + i * n, i, v.data());
        }
        inverse = std::sqrt(dense.dot(v.data(), v.data(), n));
        for (double& value : v) value /= inverse;
    }
    return 1 / inverse;
}

// Orthonormal rows whose span holds W's large singular directions on its long side. Each step takes
// the rows q to q (A - alpha), A = W W^T there and alpha a part of the least eigenvalue of A among
// them: what is to go lies between 0 and about that eigenvalue and shrinks as by two plain power
// steps (Feng, Yu and Xie 2022, with a half of it). The parts are those that left least on random
// matrices: most of what is to go lies near the eigenvalue, which the last steps know best. Of a
// spectrum too steep for fp32 to square, plain steps with both halves
// made orthonormal.
Rows range_of(const Sides& sides, std::size_t count, const SvdOptions& options) {
    Rows on_short(count, sides.shorter());
    Rows on_long(count, sides.longer());
    Rows next(count, sides.longer());
    sides.project(options.seed, on_long.view);
    for (std::size_t step = 0; step < options.power_steps; ++step) {
        orthonormalise_rows(sides.compute, on_long.view, false);
        sides.to_short(on_long.view, on_short.view);
        const std::size_t left = options.power_steps - step;
        const double part = left == 1 ? 0.9 : left == 2 ? 0.6 : 0.5;
        const auto alpha =
            static_cast<float>(part * least_eigenvalue(sides.compute, on_short.view));
        if (alpha == 0) orthonormalise_rows(sides.compute, on_short.view, false);
        sides.to_long(on_short.view, next.view);
        tensor::split(sides.compute, count, 1, [&](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin * sides.longer(); i < end * sides.longer(); ++i)
                on_long.values[i] = next.values[i] - alpha * on_long.values[i];
        });
    }
    orthonormalise_rows(sides.compute, on_long.view);
    return on_long;
}

// The first `rank` eigenvectors as floats.
Rows rows_of(const Eigen& eigen, std::size_t rank, std::size_t n) {
    Rows rows(rank, n);
    for (std::size_t i = 0; i < rank * n; ++i)
        rows.values[i] = static_cast<float>(eigen.vectors[i]);
    return rows;
}

// 1 / s where a singular value is more than rounding, else 0, and the value itself so.
double inverse_of(double& s, double largest) {
    if (s > 1e-7 * largest && s > 0) return 1 / s;
    s = 0;
    return 0;
}

void scale_rows(Matrix rows, std::vector<double>& s) {
    const double largest = s.empty() ? 0 : s.front();
    for (std::size_t i = 0; i < rows.rows; ++i) {
        const double factor = inverse_of(s[i], largest);
        for (std::size_t j = 0; j < rows.cols; ++j)
            rows.row(i)[j] = static_cast<float>(double{rows.row(i)[j]} * factor);
    }
}

std::vector<double> roots(const Eigen& eigen, std::size_t rank) {
    std::vector<double> s(rank);
    for (std::size_t i = 0; i < rank; ++i) s[i] = std::sqrt(std::max(0.0, eigen.values[i]));
    return s;
}

std::vector<float> transposed(ConstMatrix w) {
    std::vector<float> t(w.rows * w.cols);
    for (std::size_t i = 0; i < w.rows; ++i)
        for (std::size_t j = 0; j < w.cols; ++j) t[j * w.rows + i] = w.row(i)[j];
    return t;
}

}  // namespace

double Svd::kept(std::size_t k) const {
    double sum = 0;
    for (std::size_t i = 0; i < std::min(k, s.size()); ++i) sum += s[i] * s[i];
    return energy > 0 ? std::min(1.0, sum / energy) : 1.0;
}

Svd low_rank_svd(const Compute& compute, ConstMatrix w, const SvdOptions& options) {
    const std::size_t shorter = std::min(w.rows, w.cols);
    CHECK(options.rank > 0 && options.rank <= shorter);
    const std::size_t rank = options.rank;
    const std::size_t more =
        options.oversampling != 0 ? options.oversampling : std::max<std::size_t>(16, rank / 8);
    const Sides sides{compute, w, w.rows > w.cols};
    Svd svd;
    svd.rank = rank;
    svd.m = w.rows;
    svd.n = w.cols;
    svd.energy = sum_of_squares(compute, w);
    Rows on_long(rank, sides.longer());
    Rows on_short(rank, shorter);
    // Once three quarters of all directions would be followed, all are cheaper.
    if (4 * (rank + more) >= 3 * shorter) {
        const std::vector<float> turned = sides.tall ? transposed(w) : std::vector<float>();
        const ConstMatrix b = sides.tall ? ConstMatrix(turned.data(), w.cols, w.rows) : w;
        const Eigen eigen = eigen_symmetric(compute, shorter, gram_matrix(compute, b));
        svd.s = roots(eigen, rank);
        on_short = rows_of(eigen, rank, shorter);
        tensor::matmul_nn(compute, on_short.view, b, on_long.view);
        scale_rows(on_long.view, svd.s);
    } else {
        const std::size_t count = rank + more;
        const Rows q = range_of(sides, count, options);
        Rows b(count, shorter);
        sides.to_short(q.view, b.view);
        const Eigen eigen = eigen_symmetric(compute, count, gram_matrix(compute, b.view));
        svd.s = roots(eigen, rank);
        const Rows first = rows_of(eigen, rank, count);
        tensor::matmul_nn(compute, first.view, q.view, on_long.view);
        tensor::matmul_nn(compute, first.view, b.view, on_short.view);
        scale_rows(on_short.view, svd.s);
    }
    svd.u = std::move(sides.tall ? on_long : on_short).values;
    svd.v = std::move(sides.tall ? on_short : on_long).values;
    return svd;
}

}  // namespace cairn::lowrank
