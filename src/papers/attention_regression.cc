#include "papers/attention_regression.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace cairn::papers {

namespace {

Matrix times(const Matrix& left, const Matrix& right) {
    CHECK(left.columns == right.rows);
    Matrix out(left.rows, right.columns);
    for (std::size_t i = 0; i < left.rows; ++i)
        for (std::size_t k = 0; k < left.columns; ++k)
            for (std::size_t j = 0; j < right.columns; ++j)
                out.at(i, j) += left.at(i, k) * right.at(k, j);
    return out;
}

Matrix transposed(const Matrix& matrix) {
    Matrix out(matrix.columns, matrix.rows);
    for (std::size_t i = 0; i < matrix.rows; ++i)
        for (std::size_t j = 0; j < matrix.columns; ++j) out.at(j, i) = matrix.at(i, j);
    return out;
}

/// S = A1 X A2^T.
Matrix scores(const AttentionProblem& problem, const Matrix& x) {
    return times(times(problem.a1, x), transposed(problem.a2));
}

void softmax_rows(Matrix& matrix) {
    for (std::size_t i = 0; i < matrix.rows; ++i) {
        double most = -std::numeric_limits<double>::infinity(), sum = 0;
        for (std::size_t j = 0; j < matrix.columns; ++j) most = std::max(most, matrix.at(i, j));
        for (std::size_t j = 0; j < matrix.columns; ++j)
            sum += matrix.at(i, j) = std::exp(matrix.at(i, j) - most);
        for (std::size_t j = 0; j < matrix.columns; ++j) matrix.at(i, j) /= sum;
    }
}

/// A1^T rows A2.
Matrix gathered(const AttentionProblem& problem, const Matrix& rows) {
    return times(times(transposed(problem.a1), rows), problem.a2);
}

/// Ascending squares of the singular values.
std::vector<double> squared_singular_values(const Matrix& matrix) {
    return eigenvalues(times(transposed(matrix), matrix));
}

}  // namespace

const char* wrong_with(const AttentionProblem& problem, const Matrix& x) {
    const std::size_t n = problem.a1.rows, d = problem.a1.columns;
    if (n == 0 || d == 0) return "A1 is empty";
    if (problem.a2.rows != n || problem.a2.columns != d) return "A2 has not the size of A1";
    if (problem.b.rows != n || problem.b.columns != n) return "B is not n x n";
    if (problem.w.size() != n) return "w has not n numbers";
    if (x.rows != d || x.columns != d) return "X is not d x d";
    for (std::size_t j = 0; j < n; ++j) {
        double sum = 0;
        for (std::size_t l = 0; l < n; ++l) {
            if (!(problem.b.at(j, l) >= 0))
                return "B has a number below 0: its rows are probabilities";
            sum += problem.b.at(j, l);
        }
        if (std::fabs(sum - 1) > 1e-9) return "a row of B does not sum to 1";
    }
    return "";
}

double attention_loss(const AttentionProblem& problem, const Matrix& x) {
    const Matrix s = scores(problem, x);
    Matrix f = s;
    softmax_rows(f);
    double loss = 0;
    for (std::size_t j = 0; j < f.rows; ++j)
        for (std::size_t l = 0; l < f.columns; ++l) {
            const double c = f.at(j, l) - problem.b.at(j, l);
            const double r = problem.w[l] * s.at(j, l);
            loss += (c * c + r * r) / 2;
        }
    return loss;
}

Matrix attention_gradient(const AttentionProblem& problem, const Matrix& x) {
    const Matrix s = scores(problem, x);
    Matrix f = s;
    softmax_rows(f);
    Matrix g(f.rows, f.columns);
    for (std::size_t j = 0; j < f.rows; ++j) {
        double cbar = 0;  // <c_j, f_j>
        for (std::size_t l = 0; l < f.columns; ++l)
            cbar += f.at(j, l) * (f.at(j, l) - problem.b.at(j, l));
        for (std::size_t l = 0; l < f.columns; ++l)
            g.at(j, l) = f.at(j, l) * (f.at(j, l) - problem.b.at(j, l) - cbar) +
                         problem.w[l] * problem.w[l] * s.at(j, l);
    }
    return gathered(problem, g);
}

Matrix hessian_times(const AttentionProblem& problem, const Matrix& x, const Matrix& v) {
    Matrix f = scores(problem, x);
    softmax_rows(f);
    const Matrix ds = scores(problem, v);
    Matrix rows(f.rows, f.columns);
    for (std::size_t j = 0; j < f.rows; ++j) {
        double cbar = 0, mean = 0, sum = 0;
        for (std::size_t l = 0; l < f.columns; ++l) {
            cbar += f.at(j, l) * (f.at(j, l) - problem.b.at(j, l));
            mean += f.at(j, l) * ds.at(j, l);
        }
        // B_j = Pi^T diag(f (2 f - b - cbar)) Pi with Pi = I - 1 f^T.
        for (std::size_t l = 0; l < f.columns; ++l)
            sum += rows.at(j, l) =
                f.at(j, l) * (2 * f.at(j, l) - problem.b.at(j, l) - cbar) * (ds.at(j, l) - mean);
        for (std::size_t l = 0; l < f.columns; ++l)
            rows.at(j, l) += problem.w[l] * problem.w[l] * ds.at(j, l) - f.at(j, l) * sum;
    }
    return gathered(problem, rows);
}

Matrix attention_hessian(const AttentionProblem& problem, const Matrix& x) {
    const std::size_t parameters = x.values.size();
    Matrix hessian(parameters, parameters);
    for (std::size_t i = 0; i < parameters; ++i) {
        Matrix unit(x.rows, x.columns);
        unit.values[i] = 1;
        const Matrix column = hessian_times(problem, x, unit);
        for (std::size_t k = 0; k < parameters; ++k) hessian.at(k, i) = column.values[k];
    }
    return hessian;
}

std::vector<double> eigenvalues(Matrix a) {
    CHECK(a.rows == a.columns);
    constexpr int kMostSweeps = 60;
    for (int sweep = 0; sweep < kMostSweeps; ++sweep) {
        double off = 0, all = 0;
        for (std::size_t i = 0; i < a.rows; ++i)
            for (std::size_t j = 0; j < a.rows; ++j)
                (i == j ? all : off) += a.at(i, j) * a.at(i, j);
        if (off <= 1e-30 * all) break;
        for (std::size_t p = 0; p < a.rows; ++p)
            for (std::size_t q = p + 1; q < a.rows; ++q) {
                if (a.at(p, q) == 0) continue;
                const double tau = (a.at(q, q) - a.at(p, p)) / (2 * a.at(p, q));
                const double t = (tau >= 0 ? 1.0 : -1.0) / (std::fabs(tau) + std::hypot(1, tau));
                const double c = 1 / std::hypot(1, t), s = t * c;
                for (std::size_t k = 0; k < a.rows; ++k) {
                    const double left = a.at(k, p), right = a.at(k, q);
                    a.at(k, p) = c * left - s * right;
                    a.at(k, q) = s * left + c * right;
                }
                for (std::size_t k = 0; k < a.rows; ++k) {
                    const double upper = a.at(p, k), lower = a.at(q, k);
                    a.at(p, k) = c * upper - s * lower;
                    a.at(q, k) = s * upper + c * lower;
                }
            }
    }
    std::vector<double> values;
    for (std::size_t i = 0; i < a.rows; ++i) values.push_back(a.at(i, i));
    std::sort(values.begin(), values.end());
    return values;
}

ConvexityBounds convexity_bounds(const AttentionProblem& problem) {
    const std::vector<double> first = squared_singular_values(problem.a1),
                              second = squared_singular_values(problem.a2);
    double least = std::numeric_limits<double>::infinity(), most = 0;
    for (const double w : problem.w) {
        least = std::min(least, w * w);
        most = std::max(most, w * w);
    }
    const std::size_t n = problem.a1.rows, d = problem.a1.columns;
    // Fewer rows than columns leave directions that the loss does not see; so do values that are 0
    // but for rounding.
    const auto smallest = [n, d](const std::vector<double>& squares) {
        return n < d || squares.front() < 1e-14 * squares.back() ? 0.0 : squares.front();
    };
    const double narrow = smallest(first) * smallest(second);
    const double wide = first.back() * second.back();
    ConvexityBounds bounds;
    bounds.mu = std::max(0.0, (least - 1) * narrow);
    bounds.paper_mu = std::max(0.0, (least - 4) * narrow);
    bounds.smoothness = (1 + most) * wide;
    bounds.paper_smoothness = (8 + most) * wide;
    // A_[j] is |row j of A1| times A2, stretched over d^2 columns.
    if (d == 1) {
        double least_row = std::numeric_limits<double>::infinity();
        for (std::size_t j = 0; j < n; ++j)
            least_row = std::min(least_row, std::fabs(problem.a1.at(j, 0)));
        bounds.block_singular_value = least_row * std::sqrt(std::max(0.0, smallest(second)));
    }
    return bounds;
}

std::vector<double> descend(const AttentionProblem& problem, Matrix x, double eta,
                            std::size_t steps) {
    std::vector<double> losses = {attention_loss(problem, x)};
    for (std::size_t step = 0; step < steps; ++step) {
        const Matrix gradient = attention_gradient(problem, x);
        for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] -= eta * gradient.values[i];
        losses.push_back(attention_loss(problem, x));
    }
    return losses;
}

}  // namespace cairn::papers
