// Proves that statements and parts of strangers get nothing through: shifts out of all bounds,
// parts of another statement, parts of another proof.
#include <gtest/gtest.h>

#include "argument/argument.h"
#include "argument/test_head.h"

namespace cairn::argument {
namespace {

// No score is taken from the smallest int64, which would be undefined.
TEST(StrangersAttack, AShiftThatNoScoreCanBeTakenFrom) {
    Statement head = random_head({4, 3, 0}, 100, 5);
    std::fill(head.queries.begin(), head.queries.end(), std::int16_t{100});
    std::fill(head.keys.begin(), head.keys.end(), std::int16_t{100});
    head.shifts[0] = INT64_MIN;
    EXPECT_FALSE(prove(head).ok());
}

std::vector<SharePart> parts_of(const Statement& statement, ByteView proof) {
    return {check_share(statement, proof, 0, 2), check_share(statement, proof, 1, 2)};
}

// What combine() is asked about has a false output; the parts are of a true one.
TEST(StrangersAttack, PartsOfAnotherStatement) {
    const Statement truth = random_head({21, 5, 9}, 600, 3);
    const Bytes proof = prove(truth).value();
    Statement claimed = truth;
    claimed.sums[0] += 1;
    claimed.sizes.window = 4;
    EXPECT_TRUE(verify(claimed, proof).is_invalid());
    EXPECT_FALSE(
        combine(claimed.sizes, statement_hash(claimed), proof, parts_of(truth, proof)).is_valid());
}

// The proof that combine() has is not the one whose columns were looked at.
TEST(StrangersAttack, PartsOfOtherColumns) {
    const Statement truth = random_head({21, 5, 9}, 600, 3);
    const Bytes proof = prove(truth).value();
    Bytes other = proof;
    other.back() ^= 1;
    EXPECT_TRUE(verify(truth, other).is_invalid());
    EXPECT_FALSE(
        combine(truth.sizes, statement_hash(truth), other, parts_of(truth, proof)).is_valid());
}

}  // namespace
}  // namespace cairn::argument
