// A conversation heard again from a proof: all messages in their order, and the challenges that
// follow from them. What is said:
//
//   prover: root, row sums, multiplicities     challenges beta, rho
//   sums of fractions, end at a point of pairs (fractions.h)
//   prover: the columns' values there          challenges row point, width point, gamma, alpha
//   the outputs' sum, ends at another point (weighing.h)
//   prover: the columns' values there          challenges mix, random weights of the matrix's rows
//   prover: two sums of the matrix's rows      challenges theta, queried places
#pragma once

#include <span>
#include <vector>

#include "argument/fractions.h"
#include "argument/proof.h"
#include "argument/statement.h"
#include "argument/weighing.h"

namespace cairn::argument {

/// Denominators of the lookup are beta + digit + rho * entry.
struct LookupTerms {
    Fp2 beta, rho;
};

/// After what a prover says first: the same words on both sides.
LookupTerms begin(Transcript& transcript, const Proof& proof);
/// width: log2 of the padded head_dim.
unsigned width_log(const Sizes& sizes);

struct Outputs {
    WeighingTerms terms;
    std::vector<Fp2> width_weights;  ///< [head_dim], of an output's numbers
};
/// After the lookup, which ended at `lookup`.
Outputs begin_outputs(Transcript& transcript, const Sizes& sizes, std::vector<Fp2> lookup);

/// How the matrix's rows are weighed: by the point, and at random.
struct RowWeights {
    std::vector<Fp2> mix;  ///< of the columns, 3 variables in front of those of pairs
    std::vector<Fp2> value, random;
};
RowWeights begin_opening(Transcript& transcript, unsigned log, std::span<const Fp2> point);

/// What is asked once both sums of rows are told.
struct Queries {
    Fp2 theta;                        ///< both are checked as one: value + theta random
    std::vector<std::size_t> places;  ///< where columns are opened, ascending, each once
};
Queries begin_queries(Transcript& transcript, const Proof& proof);

struct Replay {
    unsigned log = 0;
    Hash256 statement;
    LookupTerms lookup;
    FractionClaims fractions;
    std::span<const Fp2> lookup_columns;  ///< values at fractions.point
    Outputs outputs;
    WeighingRounds rounds;
    std::span<const Fp2> columns;  ///< values at rounds.point
    RowWeights weights;
    Queries queries;
};

/// kInvalid for a proof of another number of rows or columns, or whose lookup does not fit in
/// itself. Refers to `proof`.
Result<Replay> replay(const Sizes& sizes, const Hash256& statement, const Proof& proof);

}  // namespace cairn::argument
