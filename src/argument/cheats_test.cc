// Proves that a prover who commits to something else than what attention by digits gives is refused
// by the check that is there for it.
#include <gtest/gtest.h>

#include <algorithm>

#include "argument/argument.h"
#include "argument/prover.h"
#include "argument/test_head.h"

namespace cairn::argument {
namespace {

constexpr const char* kOutputs =
    "the outputs do not follow from the digits, or these from the scores";

struct CheatTest : ::testing::Test {
    Statement head = random_head({12, 6, 0}, 900, 8);
    Witness witness = make_witness(head).value();
    const std::size_t side = std::size_t{1} << witness.log;
    const std::size_t pair = 7 * side + 3;  ///< query 7, key 3

    Fp& digit(std::size_t k, std::size_t at) {
        return k == 0 ? witness.digit0[at] : witness.columns[(k - 1) * witness.pairs() + at];
    }
    Fp& entry(std::size_t k, std::size_t at) {
        return witness.columns[(kCommitted + k - 1) * witness.pairs() + at];
    }
    /// Another digit with its right entry.
    void set_digit(std::size_t k, std::size_t at, std::uint32_t value) {
        --witness.multiplicities[kTableBegin[k] + digit(k, at).value()];
        ++witness.multiplicities[kTableBegin[k] + value];
        digit(k, at) = Fp(value);
        if (k > 0) entry(k, at) = Fp(tensor::digit_entry(k, value));
    }
    /// Outputs and row sums that follow from the witness's weights, seen or not.
    void let_outputs_follow() {
        const std::size_t width = head.sizes.head_dim;
        std::fill(head.sums.begin(), head.sums.end(), 0);
        for (std::size_t i = 0; i < head.sizes.rows; ++i) {
            witness.row_sums[i] = 0;
            for (std::size_t j = 0; j < head.sizes.rows; ++j) {
                Fp weight = witness.seen[i * side + j];
                for (std::size_t k = 1; k < tensor::kDigitCount; ++k)
                    weight *= entry(k, i * side + j);
                witness.row_sums[i] += weight.value();
                for (std::size_t c = 0; c < width; ++c)
                    head.sums[i * width + c] +=
                        static_cast<std::int64_t>(weight.value()) * head.values[j * width + c];
            }
        }
    }
    std::string verdict(const Lies& lies = {}) const {
        const Verdict result = verify(head, prove_with(head, witness, lies));
        return result.is_valid() ? "valid" : result.reason();
    }
};

TEST_F(CheatTest, HonestyIsAccepted) {
    EXPECT_EQ(verdict(), "valid");
    const std::vector<std::int64_t> sums = head.sums;
    let_outputs_follow();
    EXPECT_EQ(head.sums, sums);
    EXPECT_EQ(verdict(), "valid");
}

TEST_F(CheatTest, AnotherOutput) {
    head.sums[17] += 1;
    EXPECT_EQ(verdict(), kOutputs);
    EXPECT_FALSE(prove(head).ok());
}

TEST_F(CheatTest, NumbersThatAreTheSameModuloThePrime) {
    constexpr const char* kBounds = "a claimed number is out of bounds";
    const Statement honest = head;
    head.sums[17] -= static_cast<std::int64_t>(kPrime);
    EXPECT_EQ(verdict(), kBounds);
    head = honest;
    head.shifts[11] += static_cast<std::int64_t>(kPrime);
    EXPECT_EQ(verdict(), kBounds);
    head = honest;
    witness.row_sums[11] += kPrime;
    EXPECT_EQ(verdict(), "the weights of row 11 do not sum to 1");
}

TEST_F(CheatTest, RowsSwapped) {
    std::swap_ranges(head.sums.begin() + 12, head.sums.begin() + 18, head.sums.begin() + 30);
    EXPECT_EQ(verdict(), kOutputs);
}

TEST_F(CheatTest, EachDigit) {
    const Witness honest = witness;
    for (std::size_t k = 0; k < tensor::kDigitCount; ++k) {
        witness = honest;
        const auto value = static_cast<std::uint32_t>(digit(k, pair).value());
        set_digit(k, pair, value ^ 1U);
        EXPECT_EQ(verdict(), kOutputs) << "digit " << k << ", the old outputs";
        let_outputs_follow();
        const std::string reason = verdict();
        EXPECT_TRUE(reason == kOutputs || reason == "the weights of row 7 do not sum to 1")
            << "digit " << k << ": " << reason;
        EXPECT_NE(reason, "valid");
        head = random_head({12, 6, 0}, 900, 8);
    }
}

TEST_F(CheatTest, DigitsThatAddUpButStandInNoTable) {
    // 2^12 more of digit 1 is one less of digit 2; 64 more of digit 0 one less of digit 1.
    for (const std::size_t k : {1U, 2U, 3U, 4U}) {
        witness = make_witness(head).value();
        digit(k, pair) -= Fp(1);
        digit(k - 1, pair) += Fp(std::uint64_t{1} << tensor::kDigitBits[k - 1]);
        EXPECT_EQ(verdict(), "digit " + std::to_string(k - 1) + " is not always in its table");
    }
    witness = make_witness(head).value();
    digit(0, pair) -= Fp(64);
    digit(1, pair) += Fp(1);
    EXPECT_EQ(verdict(), "digit 0 is not always in its table");
}

TEST_F(CheatTest, AnEntryThatIsNotItsDigits) {
    for (std::size_t k = 1; k < tensor::kDigitCount; ++k) {
        witness = make_witness(head).value();
        entry(k, pair) += Fp(1);
        EXPECT_EQ(verdict(), "digit " + std::to_string(k) + " is not always in its table");
    }
    // An entry of the table, but another digit's.
    witness = make_witness(head).value();
    entry(1, pair) = Fp(tensor::digit_entry(1, (digit(1, pair).value() + 2000) % 4096));
    EXPECT_EQ(verdict(), "digit 1 is not always in its table");
}

TEST_F(CheatTest, EntriesBeyondTheIntegers) {
    // Their product is the same modulo the prime, with no such entries in the tables.
    entry(3, pair) = Fp(2);
    entry(4, pair) = inverse(Fp(2));
    EXPECT_EQ(verdict(), "digit 3 is not always in its table");
}

TEST_F(CheatTest, Multiplicities) {
    for (std::size_t k = 0; k < tensor::kDigitCount; ++k) {
        witness = make_witness(head).value();
        witness.multiplicities[kTableBegin[k]] += 1;
        witness.multiplicities[kTableBegin[k] + 1] -= 1;
        EXPECT_EQ(verdict(), "digit " + std::to_string(k) + " is not always in its table");
    }
}

TEST_F(CheatTest, RowSums) {
    witness.row_sums[5] += 1;
    EXPECT_EQ(verdict(), kOutputs);
    witness.row_sums[5] = 0;
    EXPECT_EQ(verdict(), "the weights of row 5 do not sum to 1");
}

TEST_F(CheatTest, AShiftBeyondTheTolerance) {
    const auto shifted = [&](std::int64_t by) {
        head = random_head({12, 6, 0}, 900, 8);
        head.shifts[7] += by;
        witness = make_witness(head).value();
        let_outputs_follow();
        return verdict();
    };
    EXPECT_EQ(shifted(1 << 10), "the weights of row 7 do not sum to 1");
    EXPECT_EQ(shifted(1 << 30), "the weights of row 7 do not sum to 1");
    EXPECT_EQ(shifted(64), "valid") << "within the tolerance, as argument.h says";
    // So small that some score lies above it: no digits, except negative ones.
    head = random_head({12, 6, 0}, 900, 8);
    head.shifts[7] -= 1 << 26;
    EXPECT_FALSE(make_witness(head).ok());
    for (std::size_t j = 0; j <= 7; ++j) {
        witness.below[7 * side + j] -= Fp(1U << 26);
        digit(3, 7 * side + j) -= Fp(8);
    }
    EXPECT_EQ(verdict(), "digit 3 is not always in its table");
}

TEST_F(CheatTest, AKeyThatIsMasked) {
    // Key 9 for query 7, with a weight of 2^16: in the mask of the prover, or beyond it.
    const std::size_t hidden = 7 * side + 9;
    for (const bool seen : {true, false}) {
        head = random_head({12, 6, 0}, 900, 8);
        witness = make_witness(head).value();
        witness.seen[hidden] = Fp(1);
        for (std::size_t k = 0; k < tensor::kDigitCount; ++k)
            set_digit(k, hidden, tensor::digit_of(std::uint64_t{14} << 18, k));
        witness.below[hidden] = Fp(std::uint64_t{14} << 18);
        let_outputs_follow();
        if (!seen) witness.seen[hidden] = Fp();
        EXPECT_EQ(verdict(), kOutputs);
    }
}

TEST_F(CheatTest, AKeyBehindTheWindow) {
    // Proves what is true without the window, and claims it with one.
    Statement narrow = head;
    narrow.sizes.window = 4;
    const Verdict result = verify(narrow, prove_with(narrow, witness));
    EXPECT_TRUE(result.is_invalid());
    EXPECT_EQ(result.reason(), kOutputs);
}

TEST_F(CheatTest, AKeyLeftOut) {
    // One that has so little weight that the sum without it is near 1.
    head = random_head({12, 6, 0}, 2000, 8);
    witness = make_witness(head).value();
    std::size_t least = 7 * side;
    for (std::size_t at = least; at <= 7 * side + 7; ++at)
        if (witness.below[at].value() > witness.below[least].value()) least = at;
    ASSERT_GT(witness.below[least].value(), 11U << 18);
    witness.seen[least] = Fp();
    for (std::size_t k = 0; k < tensor::kDigitCount; ++k) set_digit(k, least, 0);
    let_outputs_follow();
    EXPECT_EQ(verdict(), kOutputs);
}

TEST_F(CheatTest, APaddedRowThatWeighs) {
    const std::size_t padded = 13 * side + 2;
    set_digit(1, padded, 5);
    EXPECT_EQ(verdict(), kOutputs);
}

TEST_F(CheatTest, SomethingElseIsCommittedTo) {
    const Witness honest = witness;
    set_digit(1, pair, 5);
    EXPECT_EQ(verdict({.committed = &honest}), kOutputs);
    witness.multiplicities = honest.multiplicities;
    EXPECT_EQ(verdict({.committed = &honest, .looked_up = &honest, .told = &honest}), kOutputs);
    const Witness other = witness;
    witness = honest;
    EXPECT_EQ(verdict({.committed = &other}),
              "the columns' values are not those of the commitment");
}

TEST_F(CheatTest, SomethingElseIsLookedUp) {
    const Witness honest = witness;
    for (std::size_t k = 1; k < tensor::kDigitCount; ++k) {
        witness = honest;
        entry(k, pair) += Fp(1);
        EXPECT_EQ(verdict({.looked_up = &honest}),
                  "digit " + std::to_string(k) + " is not what was looked up");
        // And the columns' values are told to fit the lookup.
        EXPECT_EQ(verdict({.looked_up = &honest, .told = &honest}), kOutputs);
    }
}

TEST_F(CheatTest, SumsOfTheMatrixsRows) {
    constexpr const char* kRows = "a column does not fit the sums of rows";
    const auto changed = [&](std::vector<Fp2> Proof::*row) {
        return verdict({.before_queries = [row](Proof& proof) { (proof.*row)[3] += Fp2(1); }});
    };
    EXPECT_EQ(changed(&Proof::value_row), kRows);
    EXPECT_EQ(changed(&Proof::random_row), kRows);
}

TEST_F(CheatTest, OtherScores) {
    // Digits of other scores than the queries' and keys'.
    Statement other = head;
    other.queries[7 * 6] = static_cast<std::int16_t>(other.queries[7 * 6] + 1);
    const Statement moved = make_statement(other.sizes, other.queries, other.keys, other.values);
    witness = make_witness(moved).value();
    head.sums = moved.sums;
    head.shifts = moved.shifts;
    EXPECT_EQ(verdict(), kOutputs);
}

}  // namespace
}  // namespace cairn::argument
