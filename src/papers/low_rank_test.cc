// The papers' printed figures, to the digit (docs/spec/papers.md, B1 to B4), come out of the
// formulas.
#include "papers/low_rank.h"

#include <cmath>

#include <gtest/gtest.h>

namespace cairn::papers {
namespace {

constexpr MatrixShape kBert{3072, 768};
constexpr MatrixShape kGpt2{768, 2304};

TEST(LowRank, Table2IsRightInAllFourRows) {
    const struct {
        std::uint64_t n;
        double centralised, federated, percent;
    } rows[] = {
        {5, 250, 50, 80}, {10, 2000, 200, 90}, {100, 2e6, 2e4, 99}, {10000, 2e12, 2e8, 99.99}};
    for (const auto& row : rows) {
        const ProductReads reads = product_reads(row.n, row.n, row.n);
        EXPECT_EQ(reads.centralised, row.centralised);
        EXPECT_EQ(reads.federated, row.federated);
        EXPECT_NEAR(100 * reads.reduction, row.percent, 1e-9);
    }
    // The example under Equation 6, and the closed form beside it for unequal sides.
    EXPECT_NEAR(product_reads(3, 3, 3).reduction, 2.0 / 3, 1e-12);
    EXPECT_NEAR(product_reads(7, 5, 11).reduction, 1 - 1.0 / 22 - 1.0 / 14, 1e-12);
}

TEST(LowRank, FortyPercentOfGpt2sMatrixIsARatioOf53Percent) {
    EXPECT_NEAR(compression_ratio(kGpt2, 307), 0.53316, 5e-6);
    EXPECT_NEAR(compression_ratio(kGpt2, 308), 0.5349, 5e-5);
    EXPECT_EQ(break_even_rank(kGpt2), 575U);
    EXPECT_NEAR(compression_ratio(kGpt2, rank_for_ratio(kGpt2, 0.37)), 0.37, 1e-12);
}

TEST(LowRank, Figure6HasTheTablesValues) {
    EXPECT_EQ(full_reads(kBert, 30).reads_without, 141'557'760);
    EXPECT_EQ(full_reads(kBert, 30).reads_with, 2'382'336);
    const double k = rank_for_ratio(kBert, 0.7);
    EXPECT_NEAR(k, 429.968, 5e-4);
    EXPECT_EQ(std::round(low_rank_reads(kBert, 30, k).reads_without), 99'064'634);
    EXPECT_EQ(std::round(low_rank_reads(kBert, 30, k).reads_with), 1'674'547);
    EXPECT_EQ(low_rank_reads(kBert, 30, std::floor(k)).reads_without, 98'841'600);
    EXPECT_EQ(low_rank_reads(kBert, 30, std::floor(k)).reads_with, 1'670'829);
}

TEST(LowRank, Figure7HasTheTablesValuesInEveryReading) {
    const double expected[][5] = {{53.75, 76.28, 93.44, 99.89, 79.95},
                                  {40.31, 57.21, 91.53, 99.85, 59.97},
                                  {20.16, 28.60, 88.67, 99.80, 30.00},
                                  {13.44, 19.07, 87.72, 99.79, 20.01}};
    const double ratios[] = {0.2, 0.4, 0.7, 0.8};
    for (int row = 0; row < 4; ++row)
        for (int reading = 1; reading <= 5; ++reading)
            EXPECT_NEAR(100 * bandwidth_reduce_rate(kBert, 30, 10, ratios[row],
                                                    static_cast<BatchReading>(reading)),
                        expected[row][reading - 1], 0.00501)
                << ratios[row] << " R" << reading;
}

TEST(LowRank, SixtyPercentAtARatioOf70PercentIsImpossible) {
    EXPECT_NEAR(ratio_for_rate(kBert, 30, 10, 0.6, BatchReading::kWeightsOnce), 0.107, 5e-4);
    EXPECT_NEAR(ratio_for_rate(kBert, 30, 10, 0.6, BatchReading::kEachAlone), 0.371, 5e-4);
    // Counted alike before and after, the rate stays below what is taken from the weights.
    for (const BatchReading reading : {BatchReading::kWeightsOnce, BatchReading::kEachAlone})
        EXPECT_LT(bandwidth_reduce_rate(kBert, 30, 10, 0.7, reading), 0.3);
}

TEST(LowRank, EnergiesAreMultipliedOverLayers) {
    const std::vector<std::vector<double>> twelve(12, {0.9132});
    EXPECT_NEAR(total_energy(twelve), 0.336, 5e-4);
    EXPECT_NEAR(total_energy({{0.5, 1.0}, {0.8}}), 0.6, 1e-12);
}

}  // namespace
}  // namespace cairn::papers
