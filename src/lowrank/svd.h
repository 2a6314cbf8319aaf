// The best approximation of low rank of a matrix (papers B: Eq 7 and 8), by a randomised range
// finder (Halko, Martinsson, Tropp 2011): a random projection finds the k directions that matter,
// power steps sharpen them, and only a small matrix is decomposed in full. For k far below min(m,
// n) that is O(m n k) instead of O(m n min(m, n)).
//
// It has no rule of the chain behind it and needs none: the result is the same to the bit for any
// number of threads and any kernel set, as it is made of the products of N1 and of sums in double
// precision in a fixed order; but it may change from version to version.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/compute.h"
#include "tensor/matrix.h"

namespace cairn::lowrank {

struct SvdOptions {
    std::size_t rank = 0;  ///< k; at most min(m, n)
    /// Directions more than k that are followed, 0: an eighth of k, at least 16.
    std::size_t oversampling = 0;
    std::size_t power_steps = 2;
    std::uint64_t seed = 1;
};

/// W ~ U^T diag(s) V: singular values and vectors, the largest first. A matrix of lower rank than
/// `rank` has zeros at the end of s, and rows of zeros.
struct Svd {
    std::size_t rank = 0;
    std::size_t m = 0, n = 0;
    std::vector<double> s;  ///< [rank]
    std::vector<float> u;   ///< [rank, m]: row i is left singular vector i
    std::vector<float> v;   ///< [rank, n]
    double energy = 0;      ///< the sum of all squared singular values: |W|^2 of Frobenius, exactly

    /// papers B: Eq 9 for the first k.
    double kept(std::size_t k) const;
};

/// Where so many directions are asked for that they are all, the decomposition is the whole one.
/// CHECKs the shape; every number of W must be finite.
Svd low_rank_svd(const tensor::Compute& compute, tensor::ConstMatrix w, const SvdOptions& options);

}  // namespace cairn::lowrank
