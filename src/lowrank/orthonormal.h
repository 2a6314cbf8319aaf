// Orthonormal rows out of any rows, in fp32: Gram-Schmidt by blocks. Each block is projected
// against all rows before it by matrix products and straightened by Cholesky's factor of its Gram
// matrix; where it matters a second time, inside the block in double precision, which holds for
// rows as dependent as fp32 can tell.
#pragma once

#include <vector>

#include "tensor/compute.h"
#include "tensor/matrix.h"

namespace cairn::lowrank {

/// Makes the rows of y orthonormal, in place and in order: row i is in the span of the first i + 1
/// rows that were given. A row that depends on those before it, to fp32's precision, becomes zeros.
/// `exactly` false: only nearly orthonormal and nothing becomes zeros, which is enough for a step
/// between others and takes matrix products alone. The same bits for any number of threads.
void orthonormalise_rows(const tensor::Compute& compute, tensor::Matrix y, bool exactly = true);

/// G = B B^T in double precision, [rows, rows].
std::vector<double> gram_matrix(const tensor::Compute& compute, tensor::ConstMatrix b);

/// The sum of squares in double precision.
double sum_of_squares(const tensor::Compute& compute, tensor::ConstMatrix values);

}  // namespace cairn::lowrank
