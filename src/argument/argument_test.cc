// Proves that true statements are accepted, that statements which were changed behind their proof
// and proofs in which any bit was changed are refused, and that shares agree with the whole.
#include "argument/argument.h"

#include <gtest/gtest.h>

#include <utility>

#include "argument/proof.h"
#include "argument/test_head.h"

namespace cairn::argument {
namespace {

std::string verdict_of(const Statement& statement, ByteView proof) {
    const Verdict verdict = verify(statement, proof);
    return verdict.is_valid() ? "valid" : verdict.reason();
}

Bytes honest_proof(const Statement& statement) {
    Result<Bytes> proof = prove(statement);
    EXPECT_TRUE(proof.ok()) << (proof.ok() ? "" : proof.error().message);
    return proof.ok() ? *std::move(proof) : Bytes();
}

TEST(Argument, AcceptsWhatIsTrue) {
    for (const std::uint32_t rows : {1U, 2U, 5U, 64U, 100U})
        for (const std::uint32_t window : {0U, 1U, 7U, 500U})
            for (const std::uint16_t range : {std::uint16_t{300}, std::uint16_t{32767}}) {
                const Statement head =
                    random_head({rows, rows == 5 ? 1U : 12U, window}, range, rows);
                EXPECT_EQ(verdict_of(head, honest_proof(head)), "valid")
                    << rows << " rows, window " << window << ", range " << range;
            }
}

TEST(Argument, AcceptsExtremes) {
    constexpr Sizes kSizes{20, 1024, 0};
    const std::vector<std::int16_t> most(20 * 1024, 32767), least(20 * 1024, -32767);
    std::vector<std::int16_t> both = most;
    for (std::size_t i = 0; i < both.size(); ++i)
        if (i / 1024 % 3 == 0) both[i] = -32767;
    // All scores are the same, as large or as small as can be; or lie as far apart as can be, so
    // that the highest digit reaches 511.
    for (const auto& keys : {most, least, both}) {
        const Statement head = make_statement(kSizes, most, keys, least);
        EXPECT_EQ(verdict_of(head, honest_proof(head)), "valid");
    }
    const std::vector<std::int16_t> none(20 * 1024);
    const Statement zeros = make_statement(kSizes, none, none, none);
    EXPECT_EQ(verdict_of(zeros, honest_proof(zeros)), "valid");
}

struct ProofTest : ::testing::Test {
    Statement head = random_head({21, 5, 9}, 600, 3);
    Bytes proof = honest_proof(head);
};

TEST_F(ProofTest, IsForThisStatementAlone) {
    EXPECT_EQ(verdict_of(head, proof), "valid");
    const auto refused = [&](const char* what, const auto& change) {
        Statement other = head;
        change(other);
        EXPECT_FALSE(verify(other, proof).is_valid()) << what;
    };
    refused("one bit of an output", [](Statement& s) { s.sums[37] ^= 1; });
    refused("two rows of outputs", [](Statement& s) {
        std::swap_ranges(s.sums.begin() + 10, s.sums.begin() + 15, s.sums.begin() + 15);
    });
    refused("a shift", [](Statement& s) { s.shifts[4] += 64; });
    refused("a query", [](Statement& s) { s.queries[0] ^= 1; });
    refused("a key", [](Statement& s) { s.keys[50] ^= 1; });
    refused("a value", [](Statement& s) { s.values[104] ^= 1; });
    refused("the window", [](Statement& s) { s.sizes.window = 10; });
    refused("what it is about", [](Statement& s) { s.about.bytes[31] ^= 1; });
    refused("fewer rows", [](Statement& s) {
        s.sizes.rows = 20;
        for (auto* part : {&s.queries, &s.keys, &s.values}) part->resize(100);
        s.shifts.resize(20);
        s.sums.resize(100);
    });
    refused("another shape", [](Statement& s) { s.sizes.head_dim = 4; });
    EXPECT_FALSE(verify(random_head({21, 5, 9}, 600, 4), proof).is_valid());
    EXPECT_EQ(verdict_of(random_head({40, 5, 9}, 600, 3), proof),
              "the proof is for another number of rows");
    // An opened column less, or one twice.
    Proof other = *decode_proof(proof);
    other.columns.pop_back();
    constexpr const char* kColumnsAsked = "the proof opens other columns than those asked for";
    EXPECT_EQ(verdict_of(head, encode(other)), kColumnsAsked);
    other.columns.push_back(other.columns[0]);
    EXPECT_EQ(verdict_of(head, encode(other)), "a column is not the committed one");
}

TEST_F(ProofTest, EveryBitCounts) {
    const std::size_t branch = matrix_shape(5).branch_size() * Hash256::kSize;
    const std::size_t column = 8 * matrix_shape(5).rows() + branch;
    const std::size_t columns = decode_proof(proof)->columns.size();
    // The first bytes of every part, and then some of everything.
    std::vector<std::size_t> places;
    for (std::size_t at = 0; at < 60; ++at) places.push_back(at);
    const std::size_t tables = 35 + 21 * 8, messages = tables + 5216 * 4;
    const std::size_t rows = messages + 16 * message_elements(5);
    const std::size_t opened = rows + 2 * 16 * matrix_shape(5).columns();
    ASSERT_EQ(proof.size(), opened + 1 + columns * column);
    for (const std::size_t part : {tables, messages, rows, opened, proof.size() - column})
        for (std::size_t at = part - 9; at < part + 9; ++at) places.push_back(at);
    for (std::size_t at = messages; at < rows; at += 61) places.push_back(at);
    for (std::size_t at = 0; at < proof.size(); at += 971) places.push_back(at);
    SeededRandom random(1);
    for (const std::size_t at : places) {
        Bytes changed = proof;
        changed[at] ^= static_cast<std::uint8_t>(1U << random.below(8));
        EXPECT_TRUE(verify(head, changed).is_invalid()) << "byte " << at;
    }
}

TEST_F(ProofTest, HasOneLength) {
    Bytes longer = proof;
    longer.push_back(0);
    EXPECT_TRUE(verify(head, longer).is_invalid());
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{34},
                                   std::size_t{2000}, proof.size() / 2, proof.size() - 1})
        EXPECT_TRUE(verify(head, ByteView(proof).first(size)).is_invalid()) << size;
}

TEST(Argument, NoProofIsLongerThanIsSaid) {
    for (const std::uint32_t rows : {1U, 8U, 9U, 33U, 100U}) {
        const Bytes proof = honest_proof(random_head({rows, 4, 0}, 300, rows));
        const MatrixShape shape = matrix_shape(padded_log(rows));
        const std::size_t column = 8 * shape.rows() + Hash256::kSize * shape.branch_size();
        const std::size_t twice = kQueries - decode_proof(proof)->columns.size();
        EXPECT_EQ(proof.size() + twice * column, largest_proof_bytes(rows)) << rows;
    }
    EXPECT_LE(largest_proof_bytes(kMaxRows), kMaxProofBytes);
}

TEST_F(ProofTest, IsSpelledInOneWay) {
    EXPECT_EQ(encode(*decode_proof(proof)), proof);
    // An element of the messages, a multiple of the prime more.
    Bytes other = proof;
    const std::size_t at = 35 + 21 * 8 + 5216 * 4;
    std::uint64_t value = 0;
    for (unsigned i = 0; i < 8; ++i) value |= std::uint64_t{other[at + i]} << (8 * i);
    value += kPrime;
    for (unsigned i = 0; i < 8; ++i) other[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
    EXPECT_FALSE(decode_proof(other).ok());
    EXPECT_EQ(verify(head, other).reason(), "a number that is not below the prime");
}

TEST_F(ProofTest, SharesAgreeWithTheWhole) {
    Bytes wrong = proof;
    wrong[wrong.size() / 2] ^= 4;
    Statement other = head;
    other.sums[20] += 1;
    for (const std::size_t shares : {1U, 2U, 4U, 30U}) {
        const auto verdict = [&](const Statement& statement, const Bytes& bytes) {
            std::vector<SharePart> parts;
            for (std::size_t v = 0; v < shares; ++v)
                parts.push_back(check_share(statement, bytes, v, shares));
            return combine(statement.sizes, statement_hash(statement), bytes, parts).kind();
        };
        EXPECT_EQ(verdict(head, proof), Verdict::Kind::kValid) << shares;
        EXPECT_EQ(verdict(head, wrong), Verdict::Kind::kInvalid) << shares;
        EXPECT_EQ(verdict(other, proof), Verdict::Kind::kInvalid) << shares;
    }
}

TEST_F(ProofTest, AWrongPartIsNoticed) {
    const std::vector<SharePart> parts = {check_share(head, proof, 0, 3),
                                          check_share(head, proof, 1, 3),
                                          check_share(head, proof, 2, 3)};
    const Hash256 about = statement_hash(head);
    ASSERT_TRUE(combine(head.sizes, about, proof, parts).is_valid());
    const auto refused = [&](const char* what, const auto& change) {
        std::vector<SharePart> wrong = parts;
        change(wrong[1]);
        EXPECT_FALSE(combine(head.sizes, about, proof, wrong).is_valid()) << what;
    };
    refused("row sums", [](SharePart& part) { part.row_sums += Fp2(1); });
    refused("sums", [](SharePart& part) { part.sums += Fp2(1); });
    refused("values", [](SharePart& part) { part.values += Fp2(1); });
    refused("shifts", [](SharePart& part) { part.shifts += Fp2(1); });
    refused("seen", [](SharePart& part) { part.seen += Fp2(1); });
    refused("queries", [](SharePart& part) { part.queries[2] += Fp2(1); });
    refused("keys", [](SharePart& part) { part.keys[0] += Fp2(1); });
    for (std::size_t k = 0; k < tensor::kDigitCount; ++k)
        refused("lookups", [&](SharePart& part) { part.lookups[k] += Fp2(1); });
    refused("a fault", [](SharePart& part) { part.fault = "fault"; });
    refused("twice", [](SharePart& part) { part.share = 0; });
    refused("of more", [](SharePart& part) { part.shares = 4; });
    refused("another proof", [](SharePart& part) { part.proof.bytes[0] ^= 1; });
    refused("another statement", [](SharePart& part) { part.statement.bytes[0] ^= 1; });
    refused("width", [](SharePart& part) { part.queries.pop_back(); });
    EXPECT_FALSE(combine(head.sizes, about, proof, std::span(parts).first(2)).is_valid());
    EXPECT_FALSE(combine(head.sizes, about, proof, {}).is_valid());
    EXPECT_FALSE(combine({21, 0, 9}, about, proof, parts).is_valid());
}

TEST(Argument, RefusesWhatIsOutOfBounds) {
    const Statement head = random_head({4, 3, 0}, 100, 5);
    const Bytes proof = honest_proof(head);
    Statement other = head;
    other.sums[0] = kMaxSum + 1;
    EXPECT_FALSE(within_bounds(other, 0, 1));
    EXPECT_TRUE(within_bounds(other, 1, 4));
    EXPECT_FALSE(prove(other).ok());
    other = head;
    other.shifts[3] = -kMaxShift - 1;
    EXPECT_FALSE(within_bounds(other, 3, 4));
    EXPECT_TRUE(within_bounds(other, 0, 3));
    EXPECT_FALSE(prove(other).ok());
    other = head;
    other.queries[0] = INT16_MIN;
    EXPECT_EQ(verify(other, proof).reason(), "a statement with a number below -32767");
    other.sizes.rows = 4097;
    EXPECT_TRUE(verify(other, proof).is_invalid());
    other.sizes = {0, 3, 0};
    EXPECT_TRUE(verify(other, proof).is_invalid());
    other.sizes = {4, 0, 0};
    EXPECT_TRUE(verify(other, proof).is_invalid());
}

}  // namespace
}  // namespace cairn::argument
