// Proves that a commitment opens to the value that its numbers have, and to nothing else.
#include "argument/commitment.h"

#include <gtest/gtest.h>

#include "argument/multilinear.h"
#include "base/random.h"

namespace cairn::argument {
namespace {

struct CommitmentTest : ::testing::Test {
    CommitmentTest() : numbers(shape.rows() * shape.columns()) {
        for (Fp& number : numbers) number = Fp(random.u64());
        for (unsigned k = 0; k < shape.row_log + shape.column_log; ++k)
            point.push_back({Fp(random.u64()), Fp(random.u64())});
        weights = place_weights(std::span(point).first(shape.row_log));
    }

    SeededRandom random{7};
    MatrixShape shape{3, 5};
    std::vector<Fp> numbers;
    std::vector<Fp2> point, weights;
};

TEST_F(CommitmentTest, OpensToTheValueOfThePolynomial) {
    const Commitment commitment(shape, numbers);
    const std::vector<Fp2> sum = commitment.weigh_rows(weights);
    Fp2 direct;
    const std::vector<Fp2> all = place_weights(point);
    for (std::size_t i = 0; i < numbers.size(); ++i) direct += all[i] * numbers[i];
    EXPECT_EQ(dot(sum, place_weights(std::span(point).subspan(shape.row_log))), direct);
    for (std::size_t place = 0; place < shape.word_size(); ++place) {
        const OpenColumn column = commitment.open(place);
        EXPECT_TRUE(belongs(shape, commitment.root(), place, column));
        EXPECT_TRUE(agrees(shape, place, column.values, weights, sum));
    }
}

TEST_F(CommitmentTest, AnotherSumIsSeenInMostColumns) {
    const Commitment commitment(shape, numbers);
    std::vector<Fp2> sum = commitment.weigh_rows(weights);
    sum[9] += Fp2(1);
    std::size_t agreeing = 0;
    for (std::size_t place = 0; place < shape.word_size(); ++place)
        agreeing += agrees(shape, place, commitment.open(place).values, weights, sum) ? 1 : 0;
    EXPECT_LT(agreeing, shape.columns());
}

TEST_F(CommitmentTest, AnotherColumnDoesNotBelong) {
    const Commitment commitment(shape, numbers);
    const OpenColumn honest = commitment.open(6);
    EXPECT_FALSE(belongs(shape, commitment.root(), 7, honest));
    OpenColumn column = honest;
    column.values[2] += Fp(1);
    EXPECT_FALSE(belongs(shape, commitment.root(), 6, column));
    column = honest;
    column.values.push_back(Fp());
    EXPECT_FALSE(belongs(shape, commitment.root(), 6, column));
    column = honest;
    column.branch.pop_back();
    EXPECT_FALSE(belongs(shape, commitment.root(), 6, column));
    std::vector<Fp> others = numbers;
    others[100] += Fp(1);
    EXPECT_NE(Commitment(shape, others).root(), commitment.root());
}

}  // namespace
}  // namespace cairn::argument
