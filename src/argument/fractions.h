// The logUp argument by GKR: that sums of 1 / x over many x are what they are said to be, without
// the x: each sum is a binary tree of fractions, p/q + p'/q' = (p q' + p' q) / (q q') in each node,
// and a sumcheck for each layer leads from the root to a claim on the leaves (Goldwasser, Kalai and
// Rothblum; for lookups Papini and Haboeck 2023). Several trees of the same size go down together
// and end at one point.
//
// Soundness: over 2^v leaves in K trees a wrong root leads to a right claim with probability
// (3 v^2 / 2 + 2 K v) / 2^122 at most.
#pragma once

#include <span>
#include <vector>

#include "argument/messages.h"
#include "base/result.h"

namespace cairn::argument {

struct Fraction {
    Fp2 numerator, denominator;
};

struct FractionClaims {
    std::vector<Fraction> roots;  ///< of each tree, not reduced
    std::vector<Fp2> point;       ///< in the leaves
    std::vector<Fp2> leaves;      ///< of each tree the value there of its leaves' polynomial
};

/// How many elements are said for trees over 2^log leaves, log > 0.
std::size_t fraction_elements(std::size_t trees, unsigned log);
/// leaves[k] are the denominators of tree k; all numerators are 1. The last claims' point.
std::vector<Fp2> prove_fractions(std::vector<std::vector<Fp2>> leaves, Speaker& speaker);
/// kInvalid for a layer that does not fit the one above.
Result<FractionClaims> hear_fractions(std::size_t trees, unsigned log, Listener& listener);

}  // namespace cairn::argument
