// A commitment to many numbers of Fp, of which one value of their multilinear polynomial can be
// shown later (Ligero; Brakedown). The numbers are a matrix, row by row. Each row is written as a
// word of a Reed-Solomon code, and a Merkle tree over the columns of the words is the commitment.
//
// Shown are two sums of the rows: one whose weights are those of the point, which gives the value,
// and one with weights drawn at random, which shows that the committed words are near the code; and
// columns at random places, in which both sums must be those of the column.
//
// Soundness. With the random weights, words of which more than half of the code's distance, 3/8 of
// the columns, are wrong give a sum that is as far from the code, but with probability
// (places of a word) / 2^122 at most (Ben-Sasson et al. 2020, "Proximity gaps for Reed-Solomon
// codes", within the unique-decoding radius). A sum that is none of the decoded rows' then differs
// from them in more than 3/4 - 3/8 = 3/8 of the columns. So a cheat gets through q places with
// probability (1 - 3/8)^q = (5/8)^q at most: 2^-65 for q = 96.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "argument/fp.h"
#include "argument/reed_solomon.h"
#include "base/bytes.h"
#include "crypto/merkle_range.h"

namespace cairn::argument {

inline constexpr std::size_t kQueries = 96;

/// 2^row_log rows of 2^column_log numbers.
struct MatrixShape {
    unsigned row_log = 0;
    unsigned column_log = 0;

    std::size_t rows() const { return std::size_t{1} << row_log; }
    std::size_t columns() const { return std::size_t{1} << column_log; }
    std::size_t word_size() const { return kCodeBlowup * columns(); }
    /// Of the Merkle tree.
    std::size_t branch_size() const { return column_log + 2; }
};

/// A column of the words, with its way to the root.
struct OpenColumn {
    std::vector<Fp> values;
    std::vector<Hash256> branch;
};

class Commitment {
  public:
    /// `numbers` outlive it.
    Commitment(MatrixShape shape, std::span<const Fp> numbers);

    const Hash256& root() const { return tree_.root(); }
    /// The sum of all rows, each times its weight.
    std::vector<Fp2> weigh_rows(std::span<const Fp2> weights) const;
    OpenColumn open(std::size_t place) const;

  private:
    MatrixShape shape_;
    std::span<const Fp> numbers_;
    std::vector<Fp> words_;
    crypto::MerkleRange tree_;
};

/// Whether this is the column at `place` of what `root` commits to.
bool belongs(MatrixShape shape, const Hash256& root, std::size_t place, const OpenColumn& column);
/// Whether the column at `place` of words agrees with a sum of rows with these weights.
bool agrees(MatrixShape shape, std::size_t place, std::span<const Fp> column,
            std::span<const Fp2> weights, std::span<const Fp2> sum);

}  // namespace cairn::argument
