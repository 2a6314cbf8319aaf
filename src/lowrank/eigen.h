// Eigenvalues and eigenvectors of a symmetric matrix in double precision: Householder's reduction
// to tridiagonal form, then implicit QL with the rotations of each sweep applied to all
// eigenvectors at once. The small, dense end of a randomised decomposition (svd.h).
#pragma once

#include <cstddef>
#include <vector>

#include "tensor/compute.h"

namespace cairn::lowrank {

struct Eigen {
    std::vector<double> values;   ///< [n], the largest first
    std::vector<double> vectors;  ///< [n, n]: row i belongs to value i, of length 1
};

/// `symmetric` is [n, n], both triangles. The result has the same bits for any number of threads.
/// CHECKs that every number is finite.
Eigen eigen_symmetric(const tensor::Compute& compute, std::size_t n, std::vector<double> symmetric);

}  // namespace cairn::lowrank
