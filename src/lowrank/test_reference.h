// What svd.h computes, plainly, for tests: the same steps in double precision, one number after the
// other, and one-sided Jacobi rotations for whole decompositions. Slow and short.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "lowrank/svd.h"
#include "tensor/philox.h"

namespace cairn::lowrank {

namespace plain {

using Row = std::vector<double>;
using Rows = std::vector<Row>;

inline double dot(const Row& a, const Row& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

inline Rows rows_of(tensor::ConstMatrix w, bool transposed) {
    Rows rows(transposed ? w.cols : w.rows, Row(transposed ? w.rows : w.cols));
    for (std::size_t i = 0; i < w.rows; ++i)
        for (std::size_t j = 0; j < w.cols; ++j)
            (transposed ? rows[j][i] : rows[i][j]) = double{w.row(i)[j]};
    return rows;
}

// x A for each row x.
inline Rows times(const Rows& x, const Rows& a) {
    Rows y(x.size(), Row(a[0].size()));
    for (std::size_t i = 0; i < x.size(); ++i)
        for (std::size_t k = 0; k < a.size(); ++k)
            for (std::size_t j = 0; j < a[0].size(); ++j) y[i][j] += x[i][k] * a[k][j];
    return y;
}

// Modified Gram-Schmidt, twice.
inline void orthonormalise(Rows& rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const double before = std::sqrt(dot(rows[i], rows[i]));
        for (int pass = 0; pass < 2; ++pass)
            for (std::size_t j = 0; j < i; ++j) {
                const double along = dot(rows[i], rows[j]);
                for (std::size_t k = 0; k < rows[i].size(); ++k) rows[i][k] -= along * rows[j][k];
            }
        const double norm = std::sqrt(dot(rows[i], rows[i]));
        for (double& value : rows[i]) value = norm > 1e-12 * before ? value / norm : 0.0;
    }
}

// Turns pairs of rows of `a` until all are orthogonal, and `turned` with them: their lengths are
// then the singular values, their directions the right vectors, `turned` the left ones.
inline void jacobi(Rows& a, Rows& turned) {
    for (bool again = true; again;) {
        again = false;
        for (std::size_t p = 0; p < a.size(); ++p)
            for (std::size_t q = p + 1; q < a.size(); ++q) {
                const double pp = dot(a[p], a[p]), qq = dot(a[q], a[q]), pq = dot(a[p], a[q]);
                if (std::fabs(pq) <= 1e-14 * std::sqrt(pp * qq) || pq == 0) continue;
                again = true;
                const double half = (qq - pp) / (2 * pq);
                const double t =
                    (half >= 0 ? 1 : -1) / (std::fabs(half) + std::sqrt(1 + half * half));
                const double c = 1 / std::sqrt(1 + t * t), s = t * c;
                const auto turn = [&](Row& x, Row& y) {
                    for (std::size_t k = 0; k < x.size(); ++k) {
                        const double u = x[k], v = y[k];
                        x[k] = c * u - s * v;
                        y[k] = s * u + c * v;
                    }
                };
                turn(a[p], a[q]);
                turn(turned[p], turned[q]);
            }
    }
}

// Of rows `a` [r, n], whose left vectors are written over `basis` [r, m].
inline Svd decompose(Rows a, const Rows& basis, std::size_t rank, bool transposed, double energy) {
    Rows turned(a.size(), Row(a.size()));
    for (std::size_t i = 0; i < a.size(); ++i) turned[i][i] = 1;
    jacobi(a, turned);
    const Rows left = times(turned, basis);
    std::vector<std::size_t> order(a.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::vector<double> s(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) s[i] = std::sqrt(dot(a[i], a[i]));
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t i, std::size_t j) { return s[i] > s[j]; });
    Svd svd;
    svd.rank = rank;
    svd.energy = energy;
    std::vector<float>&first = transposed ? svd.v : svd.u, &second = transposed ? svd.u : svd.v;
    for (std::size_t i = 0; i < rank; ++i) {
        svd.s.push_back(s[order[i]]);
        for (const double value : left[order[i]]) first.push_back(static_cast<float>(value));
        for (const double value : a[order[i]])
            second.push_back(static_cast<float>(s[order[i]] > 0 ? value / s[order[i]] : 0.0));
    }
    svd.m = (transposed ? a[0] : basis[0]).size();
    svd.n = (transposed ? basis[0] : a[0]).size();
    return svd;
}

inline double energy_of(const Rows& rows) {
    double sum = 0;
    for (const Row& row : rows) sum += dot(row, row);
    return sum;
}

}  // namespace plain

/// All min(m, n) singular values and vectors, as low_rank_svd() orders them.
inline Svd whole_svd_reference(tensor::ConstMatrix w) {
    const bool transposed = w.rows > w.cols;
    const plain::Rows a = plain::rows_of(w, transposed);
    plain::Rows identity(a.size(), plain::Row(a.size()));
    for (std::size_t i = 0; i < a.size(); ++i) identity[i][i] = 1;
    return plain::decompose(a, identity, a.size(), transposed, plain::energy_of(a));
}

/// The randomised one of low_rank_svd(), with random numbers of its own: the same subspace up to
/// chance, not the same bits.
inline Svd low_rank_svd_reference(tensor::ConstMatrix w, const SvdOptions& options) {
    const plain::Rows a = plain::rows_of(w, false), t = plain::rows_of(w, true);
    const std::size_t more = options.oversampling != 0
                                 ? options.oversampling
                                 : std::max<std::size_t>(16, options.rank / 8);
    const std::size_t count = std::min(options.rank + more, std::min(w.rows, w.cols));
    plain::Rows x(count, plain::Row(w.cols));
    std::vector<float> values(w.cols);
    for (std::size_t i = 0; i < count; ++i) {
        tensor::philox_normal(options.seed, i, 1.0, values);
        std::copy(values.begin(), values.end(), x[i].begin());
    }
    plain::Rows q = plain::times(x, t);
    plain::orthonormalise(q);
    // Plain steps: two of them do what one of low_rank_svd() does.
    for (std::size_t step = 0; step < 2 * options.power_steps; ++step) {
        x = plain::times(q, a);
        plain::orthonormalise(x);
        q = plain::times(x, t);
        plain::orthonormalise(q);
    }
    return plain::decompose(plain::times(q, a), q, options.rank, false, plain::energy_of(a));
}

}  // namespace cairn::lowrank
