// The code that the commitment (commitment.h) writes rows in: the k numbers of a row, a power of
// two, are coefficients of a polynomial, and its word is the polynomial's values at 4 k points, the
// powers of a root of unity. Two words of different rows differ in at least 3 k + 1 places. Words
// are made by number-theoretic transforms; single places of them are computed without.
#pragma once

#include <span>
#include <vector>

#include "argument/fp.h"

namespace cairn::argument {

/// A word is so many times as long as its row.
inline constexpr std::size_t kCodeBlowup = 4;

class ReedSolomon {
  public:
    /// Of rows of 2^log numbers, log <= 24.
    explicit ReedSolomon(unsigned log);

    std::size_t row_size() const { return std::size_t{1} << log_; }
    std::size_t word_size() const { return kCodeBlowup << log_; }
    /// `word` has word_size() places.
    void encode(std::span<const Fp> row, std::span<Fp> word) const;

  private:
    void transform(std::span<Fp> values) const;

    unsigned log_;
    std::vector<Fp> roots_;    ///< powers of a root of order row_size(), the first half
    std::vector<Fp> offsets_;  ///< for each quarter of a word but the first: powers of its offset
};

/// The point whose value stands at a place of the words of rows of 2^log numbers.
Fp code_point(unsigned log, std::size_t place);
/// The value at x of the polynomial with these coefficients.
Fp2 value_at(std::span<const Fp2> coefficients, Fp x);

}  // namespace cairn::argument
