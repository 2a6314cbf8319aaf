#include "lowrank/eigen.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "lowrank/dense_kernels.h"
#include "tensor/split.h"

namespace cairn::lowrank {

namespace {

using tensor::Compute;
using tensor::split;

constexpr std::size_t kSweeps = 60;  // of one eigenvalue; two are usual

struct Tridiagonal {
    std::vector<double> diagonal;  // [n]
    std::vector<double> beside;    // [n]: element i couples i and i + 1; the last is 0
    // Reflector k is I - v v^T with v in elements [k + 1, n) of row k; |v|^2 is 2, or v is 0.
    std::vector<double> reflectors;  // [n, n]
};

Tridiagonal reduce(const Compute& compute, std::size_t n, std::vector<double> a) {
    Tridiagonal t{std::vector<double>(n), std::vector<double>(n), std::vector<double>(n * n, 0.0)};
    const DenseKernels& dense = dense_kernels_of(*compute.kernels);
    std::vector<double> w(n);
    for (std::size_t k = 0; k + 1 < n; ++k) {
        t.diagonal[k] = a[k * n + k];
        double* v = t.reflectors.data() + k * n;
        const std::size_t from = k + 1, size = n - from;
        std::copy_n(a.data() + k * n + from, size, v + from);
        const double norm = std::sqrt(dense.dot(v + from, v + from, size));
        const double rest = size > 1 ? dense.dot(v + from + 1, v + from + 1, size - 1) : 0.0;
        if (rest == 0.0) {  // tridiagonal already
            t.beside[k] = v[from];
            std::fill_n(v + from, size, 0.0);
            continue;
        }
        const double image = v[from] > 0 ? -norm : norm;
        t.beside[k] = image;
        v[from] -= image;
        const double scale = std::sqrt(2.0 / dense.dot(v + from, v + from, size));
        for (std::size_t i = from; i < n; ++i) v[i] *= scale;
        // A <- A - v w^T - w v^T with p = A v, w = p - (v.p / 2) v.
        const std::size_t grain = tensor::grain_for(size);
        split(compute, size, grain, [&](std::size_t begin, std::size_t end) {
            for (std::size_t i = from + begin; i < from + end; ++i)
                w[i] = dense.dot(a.data() + i * n + from, v + from, size);
        });
        const double half = dense.dot(v + from, w.data() + from, size) / 2;
        for (std::size_t i = from; i < n; ++i) w[i] -= half * v[i];
        split(compute, size, grain, [&](std::size_t begin, std::size_t end) {
            for (std::size_t i = from + begin; i < from + end; ++i) {
                dense.subtract_two(v[i], w.data() + from, w[i], v + from, size,
                                   a.data() + i * n + from);
            }
        });
    }
    t.diagonal[n - 1] = a[n * n - 1];
    return t;
}

// Rows are the columns of Q = H_0 H_1 ...: row i of `q`^T. [n, width], columns beyond n are zero.
std::vector<double> basis(const Compute& compute, std::size_t n, std::size_t width,
                          const std::vector<double>& reflectors) {
    const DenseKernels& dense = dense_kernels_of(*compute.kernels);
    std::vector<double> rows(n * n, 0.0);  // row i is e_i^T Q
    split(compute, n, 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            double* row = rows.data() + i * n;
            row[i] = 1.0;
            for (std::size_t k = 0; k + 1 < n; ++k) {
                const double* v = reflectors.data() + k * n + k + 1;
                const std::size_t size = n - k - 1;
                dense.subtract(dense.dot(row + k + 1, v, size), v, size, row + k + 1);
            }
        }
    });
    std::vector<double> turned(n * width, 0.0);
    split(compute, n, 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i)
            for (std::size_t j = 0; j < n; ++j) turned[i * width + j] = rows[j * n + i];
    });
    return turned;
}

// Rotation r turns rows first - r - 1 and first - r of `rows` [.., width].
void turn(const Compute& compute, const std::vector<Rotation>& rotations, std::size_t first,
          std::size_t width, std::vector<double>& rows) {
    const DenseKernels& dense = dense_kernels_of(*compute.kernels);
    split(compute, width / kTurned, 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t slice = begin; slice < end; ++slice)
            dense.turn(rotations, width, rows.data() + first * width + slice * kTurned);
    });
}

// Implicit QL on d (diagonal) and e (beside), with Wilkinson's shift.
void diagonalise(const Compute& compute, std::size_t n, std::size_t width, std::vector<double>& d,
                 std::vector<double>& e, std::vector<double>& rows) {
    std::vector<Rotation> rotations;
    for (std::size_t l = 0; l < n; ++l) {
        for (std::size_t sweep = 0;; ++sweep) {
            std::size_t m = l;
            for (; m + 1 < n; ++m) {
                const double around = std::fabs(d[m]) + std::fabs(d[m + 1]);
                if (std::fabs(e[m]) <= std::numeric_limits<double>::epsilon() * around) break;
            }
            if (m == l) break;
            CHECK(sweep < kSweeps);
            const double half = (d[l + 1] - d[l]) / (2 * e[l]);
            const double root = std::sqrt(half * half + 1);
            double g = d[m] - d[l] + e[l] / (half + (half >= 0 ? root : -root));
            double s = 1, c = 1, p = 0;
            rotations.clear();
            std::size_t i = m;
            for (; i > l; --i) {
                const double f = s * e[i - 1];
                const double b = c * e[i - 1];
                const double r = std::sqrt(f * f + g * g);
                e[i] = r;
                if (r == 0) {  // splits here: what is left is done by the next sweep
                    d[i] -= p;
                    break;
                }
                s = f / r;
                c = g / r;
                g = d[i] - p;
                const double t = (d[i - 1] - g) * s + 2 * c * b;
                p = s * t;
                d[i] = g + p;
                g = c * t - b;
                rotations.push_back({c, s});
            }
            if (i == l) {
                d[l] -= p;
                e[l] = g;
            }
            e[m] = 0;
            turn(compute, rotations, m, width, rows);
        }
    }
}

}  // namespace

Eigen eigen_symmetric(const Compute& compute, std::size_t n, std::vector<double> symmetric) {
    CHECK(n > 0 && symmetric.size() == n * n);
    for (const double value : symmetric) CHECK(std::isfinite(value));
    Tridiagonal t = reduce(compute, n, std::move(symmetric));
    const std::size_t width = (n + kTurned - 1) / kTurned * kTurned;
    std::vector<double> rows = basis(compute, n, width, t.reflectors);
    diagonalise(compute, n, width, t.diagonal, t.beside, rows);
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return t.diagonal[a] > t.diagonal[b]; });
    Eigen result{std::vector<double>(n), std::vector<double>(n * n)};
    for (std::size_t i = 0; i < n; ++i) {
        result.values[i] = t.diagonal[order[i]];
        std::copy_n(rows.data() + order[i] * width, n, result.vectors.data() + i * n);
    }
    return result;
}

}  // namespace cairn::lowrank
