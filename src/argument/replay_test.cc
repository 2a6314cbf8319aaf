// Proves that challenges depend on all that was said before them: on every part of the statement,
// the commitment, each message and the sums of rows.
#include "argument/replay.h"

#include <gtest/gtest.h>

#include "argument/prover.h"
#include "argument/share.h"
#include "argument/test_head.h"

namespace cairn::argument {
namespace {

TEST(Replay, TheStatementsHashIsOfAllOfIt) {
    const Statement head = random_head({4, 3, 2}, 500, 1);
    std::vector<Hash256> hashes = {statement_hash(head)};
    const auto add = [&](const auto& change) {
        Statement other = head;
        change(other);
        hashes.push_back(statement_hash(other));
    };
    add([](Statement& s) { s.sizes.window = 3; });
    add([](Statement& s) { std::swap(s.sizes.rows, s.sizes.head_dim); });
    for (const std::size_t at : {0U, 5U, 11U}) {
        add([at](Statement& s) { s.queries[at] ^= 1; });
        add([at](Statement& s) { s.keys[at] ^= 256; });
        add([at](Statement& s) { s.values[at] ^= 1; });
        add([at](Statement& s) { s.sums[at] ^= std::int64_t{1} << 40; });
        add([at](Statement& s) { s.shifts[at / 3] ^= 1; });
    }
    for (std::size_t i = 0; i < hashes.size(); ++i)
        for (std::size_t k = 0; k < i; ++k) EXPECT_NE(hashes[i], hashes[k]) << i << " " << k;
}

struct ReplayTest : ::testing::Test {
    Statement head = random_head({4, 3, 2}, 500, 1);
    Proof proof = *decode_proof(prove_with(head, *make_witness(head)));
    Hash256 about = statement_hash(head);
};

TEST_F(ReplayTest, WhatIsSaidFirstDecidesTheLookupsTerms) {
    const auto beta = [&](const Proof& said) {
        Transcript transcript(about);
        const LookupTerms terms = begin(transcript, said);
        EXPECT_NE(terms.beta, terms.rho);
        return terms.beta;
    };
    Proof other = proof;
    EXPECT_EQ(beta(other), beta(proof));
    other.root.bytes[9] ^= 1;
    EXPECT_NE(beta(other), beta(proof));
    other = proof;
    other.row_sums[3] ^= 1;
    EXPECT_NE(beta(other), beta(proof));
    other = proof;
    other.multiplicities.back() ^= 1;
    EXPECT_NE(beta(other), beta(proof));
}

TEST_F(ReplayTest, EveryMessageDecidesWhatFollows) {
    // Said by a prover, heard by a Verifier: the same words, and the same challenge after them.
    const std::vector<Fp2> words = {Fp2(1), Fp2(Fp(2), Fp(3))};
    for (const std::size_t changed : {0U, 1U, 2U}) {
        std::vector<Fp2> others = words, said;
        if (changed < 2) others[changed].b += Fp(1);
        Transcript one(about), two(about);
        Speaker(one, said).say("words", words);
        Listener(two, others).hear("words", 2);
        EXPECT_EQ(said, words);
        EXPECT_EQ(one.challenge() == two.challenge(), changed == 2);
    }
}

TEST_F(ReplayTest, SumsOfRowsDecideTheQueries) {
    const auto queries = [&](const Proof& said) {
        Transcript transcript(about);
        return begin_queries(transcript, said);
    };
    const Queries first = queries(proof);
    EXPECT_EQ(queries(proof).places, first.places);
    for (const auto row : {&Proof::value_row, &Proof::random_row}) {
        Proof other = proof;
        (other.*row).back() += Fp2(1);
        EXPECT_NE(queries(other).theta, first.theta);
        EXPECT_NE(queries(other).places, first.places);
    }
}

TEST_F(ReplayTest, ASumOfNothingIsNoSum) {
    Replay heard = replay(head.sizes, about, proof).value();
    const SharePart part = check_share(head, proof, heard, 0, 1);
    EXPECT_TRUE(combine(proof, heard, std::span(&part, 1)).is_valid());
    heard.fractions.roots[2] = {};  // 0 / 0 is equal to everything
    EXPECT_TRUE(combine(proof, heard, std::span(&part, 1)).is_invalid());
}

TEST_F(ReplayTest, TheProversPointsAreHeardAgain) {
    const Replay heard = replay(head.sizes, about, proof).value();
    EXPECT_EQ(heard.fractions.point.size(), 6U);
    EXPECT_EQ(heard.outputs.terms.lookup, heard.fractions.point);
    EXPECT_EQ(heard.rounds.point.size(), 6U);
    EXPECT_EQ(heard.queries.places.size(), proof.columns.size());
    Hash256 other = about;
    other.bytes[0] ^= 1;
    EXPECT_FALSE(replay(head.sizes, other, proof).ok());
}

}  // namespace
}  // namespace cairn::argument
