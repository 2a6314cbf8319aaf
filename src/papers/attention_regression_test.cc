// Gradient and Hessian of the attention loss agree with differences, and the corrected bounds hold.
#include "papers/attention_regression.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace cairn::papers {
namespace {

Matrix random_matrix(std::size_t rows, std::size_t columns, std::mt19937_64& random) {
    std::normal_distribution<double> normal;
    Matrix out(rows, columns);
    for (double& value : out.values) value = normal(random);
    return out;
}

AttentionProblem random_problem(std::size_t n, std::size_t d, double w, std::mt19937_64& random) {
    AttentionProblem problem{random_matrix(n, d, random), random_matrix(n, d, random), Matrix(n, n),
                             std::vector<double>(n, w)};
    std::uniform_real_distribution<double> uniform(0, 1);
    for (std::size_t i = 0; i < n; ++i) {
        double sum = 0;
        for (std::size_t j = 0; j < n; ++j) sum += problem.b.at(i, j) = uniform(random);
        for (std::size_t j = 0; j < n; ++j) problem.b.at(i, j) /= sum;
    }
    return problem;
}

double largest(const Matrix& matrix) {
    double most = 0;
    for (const double value : matrix.values) most = std::max(most, std::fabs(value));
    return most;
}

TEST(AttentionRegression, TheGradientIsThatOfTheLoss) {
    std::mt19937_64 random(1);
    const AttentionProblem problem = random_problem(5, 3, 0.7, random);
    const Matrix x = random_matrix(3, 3, random);
    const Matrix gradient = attention_gradient(problem, x);
    for (std::size_t i = 0; i < x.values.size(); ++i) {
        constexpr double kStep = 1e-5;
        Matrix up = x, down = x;
        up.values[i] += kStep;
        down.values[i] -= kStep;
        const double difference =
            (attention_loss(problem, up) - attention_loss(problem, down)) / (2 * kStep);
        EXPECT_NEAR(gradient.values[i], difference, 1e-8 * largest(gradient));
    }
}

TEST(AttentionRegression, TheHessianIsThatOfTheGradientAndSymmetric) {
    std::mt19937_64 random(2);
    const AttentionProblem problem = random_problem(6, 2, 0.5, random);
    const Matrix x = random_matrix(2, 2, random);
    const Matrix hessian = attention_hessian(problem, x);
    for (std::size_t i = 0; i < 4; ++i) {
        constexpr double kStep = 1e-5;
        Matrix up = x, down = x;
        up.values[i] += kStep;
        down.values[i] -= kStep;
        const Matrix plus = attention_gradient(problem, up);
        const Matrix minus = attention_gradient(problem, down);
        for (std::size_t k = 0; k < 4; ++k) {
            EXPECT_NEAR(hessian.at(k, i), (plus.values[k] - minus.values[k]) / (2 * kStep),
                        1e-8 * largest(hessian));
            EXPECT_NEAR(hessian.at(k, i), hessian.at(i, k), 1e-12 * largest(hessian));
        }
    }
}

TEST(AttentionRegression, TheCorrectedBoundsHoldAndTheLemmaAsPrintedIsVacuous) {
    std::mt19937_64 random(3);
    for (int trial = 0; trial < 50; ++trial) {
        const AttentionProblem problem = random_problem(6, 2, 1.2, random);
        const ConvexityBounds bounds = convexity_bounds(problem);
        const std::vector<double> found =
            eigenvalues(attention_hessian(problem, random_matrix(2, 2, random)));
        EXPECT_GT(bounds.mu, 0);
        EXPECT_GE(found.front(), bounds.mu);
        EXPECT_LE(found.back(), bounds.smoothness);
        EXPECT_EQ(bounds.block_singular_value, 0);
        EXPECT_EQ(bounds.paper_mu, 0) << "1.44 is less than the paper's 4";
    }
}

TEST(AttentionRegression, EigenvaluesOfKnownMatrices) {
    Matrix matrix(3, 3);
    matrix.values = {2, 1, 0, 1, 2, 1, 0, 1, 2};
    const std::vector<double> values = eigenvalues(matrix);
    EXPECT_NEAR(values[0], 2 - std::sqrt(2), 1e-12);
    EXPECT_NEAR(values[1], 2, 1e-12);
    EXPECT_NEAR(values[2], 2 + std::sqrt(2), 1e-12);
}

TEST(AttentionRegression, DescentBelowTwoOverLNeverRises) {
    std::mt19937_64 random(4);
    const AttentionProblem problem = random_problem(5, 2, 1.5, random);
    const double eta = 1 / convexity_bounds(problem).smoothness;
    const std::vector<double> losses = descend(problem, random_matrix(2, 2, random), eta, 200);
    ASSERT_EQ(losses.size(), 201U);
    for (std::size_t i = 1; i < losses.size(); ++i) EXPECT_LE(losses[i], losses[i - 1] + 1e-12);
    EXPECT_LT(losses.back(), losses.front());
}

}  // namespace
}  // namespace cairn::papers
