// The sumcheck that leads from the outputs of a head to what was committed to. Over all pairs (i,
// j)
//
//   weights  eq(row, i) seen y1 y2 y3 y4 (value_j + gamma)
//   digits   alpha eq(lookup, (i, j)) seen (shift_i - score_ij)
//   columns  eq(lookup, (i, j)) mix,  mix = the sum over columns c of alpha^(2 + c) column_c
//
// are summed at once. With random weights of an output's numbers in value_j, the first is the sum
// of the outputs and of gamma times the row sums at the point `row`. The second is the digits'
// number at the point where the lookup ended, and the third the columns' values there. All that
// is left is one claim at one point.
//
// Soundness: (6 * 2 log + 9) / 2^122.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "argument/messages.h"
#include "argument/witness.h"

namespace cairn::argument {

/// A round's polynomial has this degree, and as many elements are said of it.
inline constexpr std::size_t kWeighingDegree = 6;

/// Challenges of the sum.
struct WeighingTerms {
    std::vector<Fp2> row;     ///< [log]
    std::vector<Fp2> lookup;  ///< [2 log]
    Fp2 gamma, alpha;
};

/// `values` has value_j of the padded keys. The point, of 2 log variables.
std::vector<Fp2> prove_weighing(const Witness& witness, const WeighingTerms& terms,
                                std::vector<Fp2> values, Speaker& speaker);

/// Hears the rounds and says where they end; what they claim can be told later.
struct WeighingRounds {
    std::span<const Fp2> messages;
    std::vector<Fp2> point;

    /// From the whole sum to the value at the point.
    Fp2 lead(Fp2 claim) const;
};
WeighingRounds hear_weighing(unsigned log, Listener& listener);

/// What stands at the point besides the equality weights.
struct WeighingEnd {
    Fp2 seen, value, below;
    std::array<Fp2, kColumns> columns;
};
Fp2 weighing_value(const WeighingTerms& terms, std::span<const Fp2> point, const WeighingEnd& end);
/// The sum over c of alpha^(2 + c) column_c.
Fp2 mix_columns(const Fp2& alpha, std::span<const Fp2> columns);

}  // namespace cairn::argument
