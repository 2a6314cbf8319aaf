// Proves that eigenvectors, orthonormal rows and the randomised decomposition are what they say:
// the residual of every rank is within 1 % of the best there is (a one-sided Jacobi in double
// precision knows it), for matrices of every shape, of flat and falling spectra, of lower rank than
// asked for; and that neither threads nor kernel sets change a bit.
#include "lowrank/svd.h"

#include <gtest/gtest.h>

#include <cmath>

#include "lowrank/eigen.h"
#include "lowrank/orthonormal.h"
#include "lowrank/rank.h"
#include "lowrank/test_matrices.h"
#include "lowrank/test_reference.h"

namespace cairn::lowrank {
namespace {

using tensor::ConstMatrix;
using tensor::Matrix;

TEST(Eigen, VectorsAreOrthonormalAndGiveTheMatrixBack) {
    const TestMachine machine(2);
    for (const std::size_t n : {1U, 2U, 3U, 5U, 31U, 32U, 33U, 90U})
        for (const char* kind : {"random", "diagonal", "zero", "repeated"}) {
            std::vector<double> a(n * n, 0.0);
            const std::vector<float> values = normal_numbers(n * n, n);
            for (std::size_t i = 0; i < n; ++i)
                for (std::size_t j = 0; j <= i; ++j) {
                    double value = double{values[i * n + j]};
                    if (std::string_view(kind) == "zero") value = 0;
                    if (std::string_view(kind) == "diagonal" && i != j) value = 0;
                    if (std::string_view(kind) == "repeated") value = i == j ? 3 : 0.5;
                    a[i * n + j] = a[j * n + i] = value;
                }
            const Eigen found = eigen_symmetric(machine.compute, n, a);
            for (std::size_t i = 0; i < n; ++i) {
                EXPECT_GE(found.values[i == 0 ? 0 : i - 1], found.values[i]);
                for (std::size_t j = 0; j < n; ++j) {
                    double back = 0, along = 0;
                    for (std::size_t k = 0; k < n; ++k) {
                        back +=
                            found.vectors[k * n + i] * found.values[k] * found.vectors[k * n + j];
                        along += found.vectors[i * n + k] * found.vectors[j * n + k];
                    }
                    ASSERT_NEAR(back, a[i * n + j], 1e-12 * static_cast<double>(n)) << kind << n;
                    ASSERT_NEAR(along, i == j ? 1.0 : 0.0, 1e-12) << kind << n;
                }
            }
        }
}

TEST(Orthonormal, RowsSpanWhatWasGivenAndDependentOnesAreZero) {
    const TestMachine machine(2);
    constexpr std::size_t kRows = 80, kCols = 200;
    std::vector<float> values = normal_numbers(kRows * kCols, 3);
    const Matrix y(values.data(), kRows, kCols);
    for (std::size_t j = 0; j < kCols; ++j) {
        y.row(40)[j] = 2 * y.row(3)[j] - y.row(7)[j];        // of an earlier block
        y.row(41)[j] = y.row(42)[j] = 1e-3F * y.row(41)[j];  // twice the same
        y.row(50)[j] = y.row(10)[j] + 1e-4F * y.row(50)[j];  // nearly an earlier one
    }
    const std::vector<float> before = values;
    orthonormalise_rows(machine.compute, y);
    for (std::size_t i = 0; i < kRows; ++i)
        for (std::size_t j = 0; j <= i; ++j) {
            double sum = 0;
            for (std::size_t k = 0; k < kCols; ++k)
                sum += double{y.row(i)[k]} * double{y.row(j)[k]};
            const bool zero = i == 40 || i == 42;
            EXPECT_NEAR(sum, i == j && !zero ? 1.0 : 0.0, 3e-6) << i << ' ' << j;
        }
    // Row 79 is a combination of all rows up to it.
    std::vector<double> rest(before.end() - kCols, before.end());
    for (std::size_t i = 0; i < kRows; ++i) {
        double along = 0;
        for (std::size_t k = 0; k < kCols; ++k) along += rest[k] * double{y.row(i)[k]};
        for (std::size_t k = 0; k < kCols; ++k) rest[k] -= along * double{y.row(i)[k]};
    }
    for (const double value : rest) EXPECT_NEAR(value, 0, 1e-4);
}

double residual(ConstMatrix w, const Svd& svd, std::size_t k) {
    double sum = 0;
    for (std::size_t i = 0; i < w.rows; ++i)
        for (std::size_t j = 0; j < w.cols; ++j) {
            double value = double{w.row(i)[j]};
            for (std::size_t r = 0; r < k; ++r)
                value -= double{svd.u[r * w.rows + i]} * svd.s[r] * double{svd.v[r * w.cols + j]};
            sum += value * value;
        }
    return std::sqrt(sum);
}

double best_residual(const Svd& whole, std::size_t k) {
    double sum = 0;
    for (std::size_t i = k; i < whole.s.size(); ++i) sum += whole.s[i] * whole.s[i];
    return std::sqrt(sum);
}

TEST(Svd, EveryRankIsWithinOnePerCentOfTheBest) {
    const TestMachine machine(2);
    for (const auto& [m, n] : {std::pair<std::size_t, std::size_t>{120, 90}, {60, 200}, {64, 64}})
        for (const Spectrum spectrum : {Spectrum::kFlat, Spectrum::kSlow, Spectrum::kFast}) {
            const std::vector<float> values = test_matrix(m, n, spectrum, 5);
            const ConstMatrix w(values.data(), m, n);
            const Svd whole = whole_svd_reference(w);
            const double norm = std::sqrt(whole.energy);
            for (const std::size_t k : {1U, 3U, 12U, 25U, 60U}) {
                const Svd svd = low_rank_svd(machine.compute, w, {.rank = k});
                ASSERT_EQ(svd.s.size(), k);
                EXPECT_NEAR(svd.energy, whole.energy, 1e-9 * whole.energy);
                EXPECT_LE(residual(w, svd, k), 1.01 * best_residual(whole, k) + 3e-6 * norm)
                    << m << 'x' << n << " rank " << k << ' ' << static_cast<int>(spectrum);
                for (std::size_t i = 0; i < k; ++i)
                    EXPECT_NEAR(svd.s[i], whole.s[i], 0.03 * whole.s[i] + 1e-5 * norm);
                const Svd plain = low_rank_svd_reference(w, {.rank = k});
                EXPECT_NEAR(residual(w, plain, k), residual(w, svd, k),
                            0.01 * best_residual(whole, k) + 3e-6 * norm);
            }
        }
}

// Where singular vectors are coordinates, two that met in a sparse projection would stay one.
TEST(Svd, LargeCoordinatesDoNotMeet) {
    const TestMachine machine(2);
    constexpr std::size_t kShort = 200, kLong = 330, kRank = 40;
    for (const bool tall : {false, true}) {
        const std::size_t m = tall ? kLong : kShort, n = tall ? kShort : kLong;
        std::vector<float> values = normal_numbers(m * n, 6);
        for (float& value : values) value *= 0.01F;
        for (std::size_t i = 0; i < kRank; ++i) values[5 * i * n + 3 * i] += 10.0F;
        const ConstMatrix w(values.data(), m, n);
        const Svd whole = low_rank_svd(machine.compute, w, {.rank = kShort});
        const Svd svd = low_rank_svd(machine.compute, w, {.rank = kRank});
        EXPECT_LE(residual(w, svd, kRank), 1.01 * best_residual(whole, kRank)) << tall;
    }
}

// W W^T in fp32 would not hold what is below 3e-4 of the largest singular value.
TEST(Svd, ASteepSpectrumIsNotSquared) {
    const TestMachine machine(2);
    constexpr std::size_t kShort = 150, kLong = 200, kRank = 45;
    std::vector<float> values = normal_numbers(kShort * kLong, 8);
    for (std::size_t i = 0; i < kShort; ++i)
        for (std::size_t j = 0; j < kLong; ++j)
            values[i * kLong + j] *= static_cast<float>(std::pow(0.8, static_cast<double>(i)));
    const ConstMatrix w(values.data(), kShort, kLong);
    const Svd whole = whole_svd_reference(w);
    EXPECT_LT(whole.s[kRank], 1e-4 * whole.s[0]);
    const Svd svd = low_rank_svd(machine.compute, w, {.rank = kRank});
    EXPECT_LE(residual(w, svd, kRank), 1.01 * best_residual(whole, kRank));
}

TEST(Svd, WhatIsOfLowerRankEndsInZeros) {
    const TestMachine machine(1);
    const auto u = normal_numbers(70 * 3, 1), v = normal_numbers(3 * 50, 2);
    std::vector<float> product(70 * 50, 0.0F);
    for (std::size_t i = 0; i < 70; ++i)
        for (std::size_t j = 0; j < 50; ++j)
            for (std::size_t r = 0; r < 3; ++r) product[i * 50 + j] += u[i * 3 + r] * v[r * 50 + j];
    const ConstMatrix w(product.data(), 70, 50);
    for (const std::size_t k : {5U, 50U}) {
        const Svd svd = low_rank_svd(machine.compute, w, {.rank = k});
        EXPECT_NEAR(svd.kept(3), 1.0, 1e-6);
        EXPECT_LE(residual(w, svd, k), 1e-5 * std::sqrt(svd.energy));
        EXPECT_LT(svd.s[3], 1e-5 * svd.s[0]);
    }
    const std::vector<float> zeros(20 * 30, 0.0F);
    const Svd none = low_rank_svd(machine.compute, {zeros.data(), 20, 30}, {.rank = 4});
    EXPECT_EQ(none.s, std::vector<double>(4, 0.0));
    EXPECT_EQ(none.kept(1), 1.0);
    const std::vector<float> row = normal_numbers(40, 3);
    EXPECT_NEAR(low_rank_svd(machine.compute, {row.data(), 1, 40}, {.rank = 1}).kept(1), 1, 1e-12);
    EXPECT_NEAR(low_rank_svd(machine.compute, {row.data(), 40, 1}, {.rank = 1}).kept(1), 1, 1e-12);
}

TEST(Svd, ThreadsAndKernelSetsChangeNoBit) {
    const std::vector<float> values = test_matrix(300, 170, Spectrum::kSlow, 9);
    const ConstMatrix w(values.data(), 300, 170);
    for (const std::size_t rank : {20U, 150U}) {
        const TestMachine first(1, tensor::KernelSet::kScalar);
        const Svd expected = low_rank_svd(first.compute, w, {.rank = rank});
        for (const tensor::KernelSet set : tensor::available_kernel_sets())
            for (const std::size_t threads : {1U, 3U}) {
                const TestMachine machine(threads, set);
                const Svd svd = low_rank_svd(machine.compute, w, {.rank = rank});
                EXPECT_EQ(svd.s, expected.s) << tensor::kernel_set_name(set);
                EXPECT_EQ(svd.u, expected.u);
                EXPECT_EQ(svd.v, expected.v);
            }
        const Svd other = low_rank_svd(first.compute, w, {.rank = rank, .seed = 2});
        EXPECT_EQ(other.u == expected.u, rank != 20) << "only the projection is random";
    }
}

TEST(Rank, EnergyGivesTheLeastThatKeepsIt) {
    const TestMachine machine(2);
    for (const Spectrum spectrum : {Spectrum::kFlat, Spectrum::kSlow, Spectrum::kFast}) {
        const std::vector<float> values = test_matrix(150, 130, spectrum, 4);
        const ConstMatrix w(values.data(), 150, 130);
        const Svd whole = whole_svd_reference(w);
        for (const double energy : {0.3, 0.5, 0.9, 0.99}) {
            std::size_t least = 1;
            while (whole.kept(least) < energy) ++least;
            const Svd svd = svd_of_energy(machine.compute, w, energy, 130, {});
            EXPECT_GE(svd.kept(svd.rank), energy);
            EXPECT_GE(svd.rank, least);
            EXPECT_LE(svd.rank, least + 1 + least / 50) << energy;
            EXPECT_EQ(svd.u.size(), svd.rank * 150);
        }
        EXPECT_EQ(svd_of_energy(machine.compute, w, 1.0, 5, {}).rank, 0U);
    }
}

TEST(Rank, RatioIsEquation15RoundedDown) {
    EXPECT_EQ(rank_of_ratio(3072, 768, 0.7), 429U);
    EXPECT_EQ(rank_of_ratio(768, 2304, 0.5332), 307U);
    EXPECT_EQ(rank_of_ratio(4, 4, 0.01), 1U);
    for (const auto& [m, n] : {std::pair<std::size_t, std::size_t>{8, 64}, {3, 3}, {576, 1536}}) {
        const std::size_t most = most_useful_rank(m, n);
        EXPECT_LT(most * (m + n), m * n);
        EXPECT_GE((most + 1) * (m + n), m * n);
    }
}

TEST(Rank, ABudgetIsSharedAsWellAsTryingAllWould) {
    const std::vector<Candidate> all = {
        {{0, 0.5, 0.7, 0.8}, 3, 12}, {{0, 0.2, 0.35, 0.45, 0.5}, 2, 9}, {{0, 0.9, 0.95}, 4, 11}};
    for (std::uint64_t budget = 0; budget <= 33; ++budget) {
        const std::vector<std::size_t> ranks = share_budget(all, budget);
        const auto value = [&](const std::vector<std::size_t>& of, std::uint64_t& bytes) {
            double product = 1;
            bytes = 0;
            for (std::size_t i = 0; i < all.size(); ++i) {
                product *= of[i] == 0 ? 1.0 : all[i].kept[of[i]];
                bytes += of[i] == 0 ? all[i].whole_bytes : of[i] * all[i].rank_bytes;
            }
            return product;
        };
        double best = 0, best_smaller = 0;
        std::vector<std::size_t> at(3);
        for (at[0] = 0; at[0] <= 3; ++at[0])
            for (at[1] = 0; at[1] <= 4; ++at[1])
                for (at[2] = 0; at[2] <= 2; ++at[2]) {
                    std::uint64_t bytes = 0;
                    const double product = value(at, bytes);
                    if (bytes <= budget) best = std::max(best, product);
                    if (bytes + 5 <= budget) best_smaller = std::max(best_smaller, product);
                }
        if (budget < 9) {
            EXPECT_TRUE(ranks.empty());
            continue;
        }
        std::uint64_t bytes = 0;
        const double found = value(ranks, bytes);
        EXPECT_LE(bytes, budget);
        EXPECT_LE(found, best + 1e-12);
        EXPECT_GE(found, best_smaller - 1e-12) << budget;  // a step too large for the rest is lost
    }
}

}  // namespace
}  // namespace cairn::lowrank
