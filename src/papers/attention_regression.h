// Paper A's training problem (papers A: Def 38 to 49): for A1, A2 (n x d), a target B (n x n, rows
// of probabilities) and weights w (n), find X (d x d) with
//   L(X) = sum_j 1/2 |softmax(s_j) - b_j|^2 + 1/2 |w .* s_j|^2,   s_j row j of S = A1 X A2^T.
// Loss, gradient and Hessian times a vector take O(n^2 d); A1 kron A2 is never built. Everything is
// in double precision, matrices row by row, so vec(X) is row by row, too.
#pragma once

#include <cstddef>
#include <vector>

namespace cairn::papers {

/// rows x columns numbers, row by row.
struct Matrix {
    std::size_t rows = 0;
    std::size_t columns = 0;
    std::vector<double> values;

    Matrix() = default;
    Matrix(std::size_t of_rows, std::size_t of_columns)
        : rows(of_rows), columns(of_columns), values(of_rows * of_columns) {}
    double& at(std::size_t row, std::size_t column) { return values[row * columns + column]; }
    double at(std::size_t row, std::size_t column) const { return values[row * columns + column]; }
};

struct AttentionProblem {
    Matrix a1;              ///< n x d
    Matrix a2;              ///< n x d
    Matrix b;               ///< n x n
    std::vector<double> w;  ///< n
};

/// Empty if the sizes of the problem and of `x` fit together and the rows of B are probabilities;
/// else what is wrong.
const char* wrong_with(const AttentionProblem& problem, const Matrix& x);

double attention_loss(const AttentionProblem& problem, const Matrix& x);
/// d x d: A1^T G A2.
Matrix attention_gradient(const AttentionProblem& problem, const Matrix& x);
/// d x d: the Hessian at `x` times vec(v).
Matrix hessian_times(const AttentionProblem& problem, const Matrix& x, const Matrix& v);
/// The whole Hessian, d^2 x d^2, column by column of the above.
Matrix attention_hessian(const AttentionProblem& problem, const Matrix& x);

/// Of a symmetric matrix, ascending (Jacobi's rotations).
std::vector<double> eigenvalues(Matrix symmetric);

/// What holds for every X (papers A: Lemma 68 and 69, corrected; rows of B must be probabilities):
/// mu = (min w^2 - 1) smin(A1)^2 smin(A2)^2, 0 where that is negative or A1 or A2 lacks full column
/// rank; L = (1 + max w^2) |A1|^2 |A2|^2.
struct ConvexityBounds {
    double mu = 0;
    double smoothness = 0;
    /// The same with the paper's constants, 4 and 8.
    double paper_mu = 0;
    double paper_smoothness = 0;
    /// papers A: Lemma 68 as printed asks for the least singular value of a block A_[j] (n x d^2),
    /// which has rank d at most: 0 for d > 1, and then the lemma says nothing.
    double block_singular_value = 0;
};
ConvexityBounds convexity_bounds(const AttentionProblem& problem);

/// papers A: Def 48: `steps` steps of gradient descent from `x`; the loss before each and at the
/// end.
std::vector<double> descend(const AttentionProblem& problem, Matrix x, double eta,
                            std::size_t steps);

}  // namespace cairn::papers
