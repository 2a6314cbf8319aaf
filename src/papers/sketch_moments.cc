#include "papers/sketch_moments.h"

#include <bit>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace cairn::papers {

namespace {

/// R, and how probable it is beside the others.
struct Draw {
    std::size_t rows;
    std::size_t columns;
    std::vector<double> r;
    double weight = 1;

    double& at(std::size_t row, std::size_t column) { return r[row * columns + column]; }
};

/// Fills one column (or, for kinds that are not drawn by column, the matrix) by choice number
/// `choice`.
using Filler = void (*)(Draw& draw, std::size_t column, std::uint64_t choice,
                        std::size_t per_column);

std::uint64_t power(std::uint64_t base, std::size_t exponent) {
    std::uint64_t value = 1;
    for (std::size_t i = 0; i < exponent; ++i) {
        if (base != 0 && value > std::numeric_limits<std::uint64_t>::max() / base)
            return std::numeric_limits<std::uint64_t>::max();
        value *= base;
    }
    return value;
}

std::uint64_t binomial(std::uint64_t n, std::uint64_t k) {
    std::uint64_t value = 1;
    for (std::uint64_t i = 1; i <= k; ++i) value = value * (n - k + i) / i;
    return value;
}

/// Subset number `index` of the subsets of {0 .. n-1} with k members, in lexicographic order.
std::vector<std::size_t> subset(std::size_t n, std::size_t k, std::uint64_t index) {
    std::vector<std::size_t> members;
    for (std::size_t next = 0; members.size() < k; ++next) {
        const std::uint64_t with = binomial(n - next - 1, k - members.size() - 1);
        if (index < with)
            members.push_back(next);
        else
            index -= with;
    }
    return members;
}

double sign(std::uint64_t bits, std::size_t which) { return (bits >> which & 1) != 0 ? -1.0 : 1.0; }

void fill_gaussian(Draw& draw, std::size_t column, std::uint64_t choice, std::size_t /*unused*/) {
    const double far = std::sqrt(3.0 / static_cast<double>(draw.rows));
    for (std::size_t i = 0; i < draw.rows; ++i, choice /= 3) {
        const std::uint64_t which = choice % 3;
        draw.at(i, column) = which == 0 ? 0 : which == 1 ? far : -far;
        draw.weight *= which == 0 ? 2.0 / 3 : 1.0 / 6;
    }
}

void fill_ams(Draw& draw, std::size_t column, std::uint64_t choice, std::size_t /*unused*/) {
    for (std::size_t i = 0; i < draw.rows; ++i)
        draw.at(i, column) = sign(choice, i) / std::sqrt(static_cast<double>(draw.rows));
}

void fill_count(Draw& draw, std::size_t column, std::uint64_t choice, std::size_t /*unused*/) {
    for (std::size_t i = 0; i < draw.rows; ++i) draw.at(i, column) = 0;
    draw.at(choice / 2, column) = sign(choice, 0);
}

void fill_sparse1(Draw& draw, std::size_t column, std::uint64_t choice, std::size_t q) {
    for (std::size_t i = 0; i < draw.rows; ++i) draw.at(i, column) = 0;
    const std::uint64_t signs = choice % (std::uint64_t{1} << q);
    const auto rows = subset(draw.rows, q, choice >> q);
    for (std::size_t r = 0; r < q; ++r)
        draw.at(rows[r], column) = sign(signs, r) / std::sqrt(static_cast<double>(q));
}

void fill_sparse2(Draw& draw, std::size_t column, std::uint64_t choice, std::size_t q) {
    for (std::size_t i = 0; i < draw.rows; ++i) draw.at(i, column) = 0;
    const std::uint64_t signs = choice % (std::uint64_t{1} << q);
    std::uint64_t places = choice >> q;
    const std::size_t block = draw.rows / q;
    for (std::size_t r = 0; r < q; ++r, places /= block)
        draw.at(r * block + places % block, column) =
            sign(signs, r) / std::sqrt(static_cast<double>(q));
}

/// The whole matrix: sqrt(D/s) times chosen rows of the normalised Walsh-Hadamard matrix, columns
/// with signs.
void fill_srht(Draw& draw, std::uint64_t choice) {
    const std::uint64_t signs = choice % (std::uint64_t{1} << draw.columns);
    const auto chosen = subset(draw.columns, draw.rows, choice >> draw.columns);
    for (std::size_t i = 0; i < draw.rows; ++i)
        for (std::size_t j = 0; j < draw.columns; ++j)
            draw.at(i, j) = (std::popcount(chosen[i] & j) % 2 != 0 ? -1.0 : 1.0) * sign(signs, j) /
                            std::sqrt(static_cast<double>(draw.rows));
}

double inner(std::span<const double> a, std::span<const double> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

std::vector<double> apply(const Draw& draw, std::span<const double> v) {
    std::vector<double> out(draw.rows);
    for (std::size_t i = 0; i < draw.rows; ++i)
        for (std::size_t j = 0; j < draw.columns; ++j)
            out[i] += draw.r[i * draw.columns + j] * v[j];
    return out;
}

void take(const Draw& draw, std::span<const double> g, std::span<const double> h,
          SketchMoments& sums) {
    const std::vector<double> rg = apply(draw, g), rh = apply(draw, h);
    const double product = inner(rg, rh);
    double norm = 0;
    for (std::size_t j = 0; j < draw.columns; ++j) {
        double value = 0;
        for (std::size_t i = 0; i < draw.rows; ++i) value += draw.r[i * draw.columns + j] * rh[i];
        norm += value * value;
    }
    sums.mean_inner += draw.weight * product;
    sums.mean_inner_squared += draw.weight * product * product;
    sums.mean_desketch_norm_ratio += draw.weight * norm / inner(h, h);
}

/// Choices of one column; of the whole matrix for SRHT.
std::uint64_t choices(Sketch sketch, std::size_t dim, std::size_t s, std::size_t q) {
    switch (sketch) {
        case Sketch::kGaussian:
            return power(3, s);
        case Sketch::kAms:
            return power(2, s);
        case Sketch::kCountSketch:
            return 2 * s;
        case Sketch::kSparse1:
            return binomial(s, q) << q;
        case Sketch::kSparse2:
            return power(s / q, q) << q;
        case Sketch::kSrht:
            break;
    }
    return binomial(dim, s) << dim;
}

Filler filler(Sketch sketch) {
    switch (sketch) {
        case Sketch::kGaussian:
            return fill_gaussian;
        case Sketch::kCountSketch:
            return fill_count;
        case Sketch::kSparse1:
            return fill_sparse1;
        case Sketch::kSparse2:
            return fill_sparse2;
        case Sketch::kAms:
        case Sketch::kSrht:
            break;
    }
    return fill_ams;
}

Status check(Sketch sketch, std::size_t dim, std::size_t s, std::size_t q) {
    if (dim == 0 || dim > 32 || s == 0 || s > 32)
        return invalid("dimension and sketch have 1 to 32 numbers");
    if (sketch == Sketch::kSrht && (!std::has_single_bit(dim) || s > dim))
        return invalid("SRHT needs a dimension that is a power of two, and no more rows than that");
    if (sketch == Sketch::kSparse1 && (q == 0 || q > s))
        return invalid("a column has 1 to s entries");
    if (sketch == Sketch::kSparse2 && (q == 0 || s % q != 0))
        return invalid("the entries of a column must divide the sketch's rows");
    return ok_status();
}

}  // namespace

const char* name_of(Sketch sketch) {
    switch (sketch) {
        case Sketch::kGaussian:
            return "gaussian";
        case Sketch::kSrht:
            return "srht";
        case Sketch::kAms:
            return "ams";
        case Sketch::kCountSketch:
            return "count-sketch";
        case Sketch::kSparse1:
            return "sparse-1";
        case Sketch::kSparse2:
            break;
    }
    return "sparse-2";
}

Result<SketchMoments> sketch_moments(Sketch sketch, std::span<const double> g,
                                     std::span<const double> h, std::size_t rows,
                                     std::size_t per_column) {
    const std::size_t dim = h.size();
    if (g.size() != dim) return invalid("g and h differ in length");
    RETURN_IF_ERROR(check(sketch, dim, rows, per_column));
    if (inner(h, h) == 0) return invalid("h is 0");
    const bool whole = sketch == Sketch::kSrht;
    const std::uint64_t each = choices(sketch, dim, rows, per_column);
    const std::uint64_t all = whole ? each : power(each, dim);
    if (all > kMostSketchCases)
        return invalid(fmt::format("{} has more than {} matrices of {} x {}: take smaller sizes",
                                   name_of(sketch), kMostSketchCases, rows, dim));
    SketchMoments sums;
    sums.cases = all;
    Draw draw{rows, dim, std::vector<double>(rows * dim), 1};
    for (std::uint64_t number = 0; number < all; ++number) {
        draw.weight = sketch == Sketch::kGaussian ? 1.0 : 1.0 / static_cast<double>(all);
        if (whole) {
            fill_srht(draw, number);
        } else {
            std::uint64_t rest = number;
            for (std::size_t column = 0; column < dim; ++column, rest /= each)
                filler(sketch)(draw, column, rest % each, per_column);
        }
        take(draw, g, h, sums);
    }
    return sums;
}

double exact_norm_ratio(Sketch sketch, std::size_t dim, std::size_t rows) {
    const auto d = static_cast<double>(dim), s = static_cast<double>(rows);
    if (sketch == Sketch::kGaussian) return 1 + (d + 1) / s;
    if (sketch == Sketch::kSrht) return d / s;
    return 1 + (d - 1) / s;
}

double printed_parameter(Sketch sketch) {
    return sketch == Sketch::kGaussian || sketch == Sketch::kCountSketch ? 3 : 2;
}

}  // namespace cairn::papers
