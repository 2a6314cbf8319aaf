#include "lowrank/svd.h"

#include <algorithm>
#include <cmath>

#include "lowrank/eigen.h"
#include "lowrank/orthonormal.h"
#include "lowrank/range.h"
#include "tensor/matmul.h"

namespace cairn::lowrank {

namespace {

using tensor::Compute;
using tensor::ConstMatrix;
using tensor::Matrix;

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

// Directions that are followed, of which `rank` are kept.
std::size_t followed(const SvdOptions& options, std::size_t part) {
    const std::size_t more = std::max<std::size_t>(16, options.rank / part);
    return options.rank + (options.oversampling != 0 ? options.oversampling : more);
}

struct Range {
    Rows q;  // orthonormal
    bool on_long;
};

// By whichever way takes fewer multiplications. W W^T is computed once, half of it (0.56, by
// bands); its projection is the first step, for nothing, so that fewer directions do, and each
// further step is a product with W W^T instead of two with W.
Range range_of(const Sides& sides, const SvdOptions& options) {
    const std::size_t by_gram = followed(options, 24), by_products = followed(options, 8);
    const double steps = static_cast<double>(options.power_steps);
    const double n = static_cast<double>(sides.shorter());
    const double flat = n / static_cast<double>(sides.longer());  // 1: W is square
    // In multiplications of one row with W. Each way ends with a product of all rows with W.
    const double of_gram = 0.56 * n + (1 + steps * flat) * static_cast<double>(by_gram);
    const double of_products = (1 + 2 * steps) * static_cast<double>(by_products);
    if (of_gram < of_products)
        if (std::optional<Rows> q = range_of_gram(sides, by_gram, options))
            return {std::move(*q), false};
    return {range_of_products(sides, by_products, options), true};
}

}  // namespace

double Svd::kept(std::size_t k) const {
    double sum = 0;
    for (std::size_t i = 0; i < std::min(k, s.size()); ++i) sum += s[i] * s[i];
    return energy > 0 ? std::min(1.0, sum / energy) : 1.0;
}

Svd low_rank_svd(const Compute& compute, ConstMatrix w, const SvdOptions& options) {
    const std::size_t shorter = std::min(w.rows, w.cols);
    const std::size_t rank = options.rank;
    CHECK(rank > 0 && rank <= shorter);
    const Sides sides{compute, w, w.rows > w.cols};
    Svd svd;
    svd.rank = rank;
    svd.m = w.rows;
    svd.n = w.cols;
    svd.energy = sum_of_squares(compute, w);
    Rows on_long(rank, sides.longer());
    Rows on_short(rank, shorter);
    // Once three quarters of all directions would be followed, all are cheaper.
    if (4 * followed(options, 8) >= 3 * shorter) {
        const std::vector<float> turned = sides.tall ? transposed(w) : std::vector<float>();
        const ConstMatrix b = sides.tall ? ConstMatrix(turned.data(), w.cols, w.rows) : w;
        const Eigen eigen = eigen_symmetric(compute, shorter, gram_matrix(compute, b));
        svd.s = roots(eigen, rank);
        on_short = rows_of(eigen, rank, shorter);
        tensor::matmul_nn(compute, on_short.view, b, on_long.view);
        scale_rows(on_long.view, svd.s);
    } else {
        const auto [q, is_long] = range_of(sides, options);
        const std::size_t count = q.view.rows;
        Rows b(count, is_long ? shorter : sides.longer());
        is_long ? sides.to_short(q.view, b.view) : sides.to_long(q.view, b.view);
        const Eigen eigen = eigen_symmetric(compute, count, gram_matrix(compute, b.view));
        svd.s = roots(eigen, rank);
        const Rows first = rows_of(eigen, rank, count);
        Rows& on_side = is_long ? on_long : on_short;
        Rows& on_other = is_long ? on_short : on_long;
        tensor::matmul_nn(compute, first.view, q.view, on_side.view);
        tensor::matmul_nn(compute, first.view, b.view, on_other.view);
        scale_rows(on_other.view, svd.s);
    }
    svd.u = std::move(sides.tall ? on_long : on_short).values;
    svd.v = std::move(sides.tall ? on_short : on_long).values;
    return svd;
}

}  // namespace cairn::lowrank
